"""A gateway's record as the API's model, with those of its devices that are in scope."""

from typing import Literal, cast

from central.api import models
from central.api.shapes import label
from central.clock_told import ClockTold
from central.identity.principal import Principal
from central.registry_records import BufferState, BusState, DeviceState, GatewayRecord
from protocols.clock import SECOND, ClockState


def gateway(source: GatewayRecord, who: Principal) -> models.Gateway:
    """Return a gateway with those of its devices that are in scope."""
    buses = [bus for item in source.buses if (bus := _bus(item, who)) is not None]
    return models.Gateway(
        name=source.name,
        label=label(source.label),
        site=source.site if who.sees(source.site or "") else None,
        state=cast(Literal["online", "offline", "never"], source.state),
        last_contact=source.last_contact,
        offline_since=source.offline_since,
        backlog=models.Backlog(
            readings=source.backlog.readings,
            oldest=source.backlog.oldest,
            alarm_readings=source.backlog.alarm_readings,
        ),
        buffer=_buffer(source.buffer),
        purpose=cast(models.PurposeName, source.purpose) if source.purpose else None,
        version=source.version or None,
        clock=_clock(source.clock),
        points=source.points,
        devices=sum(len(bus.devices) for bus in buses),
        buses=buses,
    )


def _clock(source: ClockTold) -> models.GatewayClock:
    state = None if source.state is None else ClockState(source.state).name.lower()
    return models.GatewayClock(
        state=cast(models.ClockName | None, state),
        reason=source.reason or None,
        offset_seconds=_seconds(source.offset),
        within_seconds=_seconds(source.within),
        maximum_error_seconds=_seconds(source.maximum_error),
        pauses=source.pauses,
        grade=cast(Literal["yellow", "orange"] | None, source.grade),
    )


def _seconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / SECOND


def _buffer(source: BufferState) -> models.BufferState:
    return models.BufferState(
        bytes=source.bytes,
        quota_bytes=source.quota_bytes,
        hours_left=source.hours_left,
        medium=cast(Literal["ok", "memory", "failing"] | None, source.medium),
        failing=source.failing,
        reserve_only=source.reserve_only,
        drops=dict(source.drops),
    )


def _bus(source: BusState, who: Principal) -> models.BusState | None:
    devices = [_device(item) for item in source.devices if who.sees(item.site)]
    if not devices and source.devices:
        return None
    return models.BusState(
        name=source.name, protocol=source.protocol, state=source.state, devices=devices
    )


def _device(source: DeviceState) -> models.DeviceState:
    return models.DeviceState(
        name=source.name, label=label(source.label), state=source.state, since=source.since
    )
