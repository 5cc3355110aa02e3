"""The gateway, composed: buses -> intake -> buffer -> uplink, with health beside them.

driver -> Intake.take (alarms, deadband, lane) -> Buffer.append, seal -> LaneTask -> Exchange ->
collector
"""

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from edge.alarms.alarms import LocalAlarms
from edge.alarms.following import Following
from edge.buffer import Buffer, Origin
from edge.buffer.model import Report
from edge.config import EdgeConfig
from edge.cursors import Asking
from edge.exchange import Exchange
from edge.health import Health, boot_id, product_version
from edge.intake import Intake
from edge.link_state import LinkState
from edge.local_http import LocalPages, modules
from edge.poller import poll
from edge.proving import sig_alg
from edge.reporting import tell_health
from edge.right_of_way import RightOfWay
from edge.roster import Roster
from edge.sabotage import Sabotage
from edge.telling_losses import tell_losses
from edge.trust import Trust, trust_of
from edge.trust_renewal import keep_trust
from edge.uplink import Uplink, patience_of
from edge.uplink_http import Connection
from edge.warrant_keeping import keep_warrant
from protocols.clock import Clock
from protocols.driver import build
from protocols.errors import FengsuiError
from protocols.owner_thread import OwnerThread
from protocols.wire.manifest import manifest_digest
from protocols.wire.opening import new_stream_id
from protocols.words import Lane

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What `run_gateway` tells once everything is up."""

    health_port: int


async def run_gateway(
    config: EdgeConfig,
    clock: Clock,
    *,
    report: Report | None = None,
    environment: Mapping[str, str] = os.environ,
    started: asyncio.Future[Running] | None = None,
) -> None:
    """Run until cancelled, then seal and close cleanly.

    Raises BufferFault (the folder is in use or cannot be written), FengsuiError (health port).
    """
    boot, sabotage = boot_id(new_stream_id), Sabotage(environment)
    async with AsyncExitStack() as stack:
        buffer = await Buffer.open(
            config.buffer,
            origin_of(config, boot),
            clock,
            report=report,
            sabotage=sabotage,
        )
        stack.push_async_callback(buffer.close)
        sabotage.crash.reach("edge.opening")
        way, link = RightOfWay(), LinkState()
        trust = trust_of(config.collector, clock)
        connect = partial(exchange, partial(connection, config, trust), buffer, clock, boot)
        lanes = {lane: connect(lane.name.lower(), partial(way.wait, lane)) for lane in Lane}
        beside = connect("health")
        for each in (*lanes.values(), beside):
            stack.push_async_callback(each.close)
            each.sabotage = sabotage
        roster = Roster.of(config.buses)
        intake = Intake(config.buses, buffer, roster, clock)
        alarms = await LocalAlarms.open(
            config.buses, buffer, clock, boot, (config.buffer.folder, lambda: link.time.offset)
        )
        stack.push_async_callback(alarms.close)
        intake.judge, alarms.newest = alarms.take, lambda: roster.newest
        patience = patience_of(config.gateway, new_stream_id())
        uplink = Uplink(lanes, buffer, clock, link, way, patience)
        uplink.when_back(alarms.contact)
        uplink.when_fresh(intake.report_present)
        following = following_of(lanes.values(), beside, boot, alarms)
        answered = partial(after_report, Asking(beside, buffer, link), following)
        health = Health(config, buffer, roster, link, clock, boot)
        health.pauses, health.rules = intake.pauses, alarms.report
        pages = pages_of(health, alarms)
        stack.push_async_callback(pages.close)
        port = await serve(pages, config)
        logger.info("gateway %s runs, health on port %d", config.gateway, port)
        if started is not None:
            started.set_result(Running(health_port=port))
        work = {
            "buffer": buffer.run(),
            "socket": pages.stay_in(config.buffer.folder),
            "uplink": uplink.run(),
            "alarms": alarms.run(),
            "rules": following.run(),
            "health": tell_health(beside, health, link, clock, uplink.try_again, answered),
            "pauses": intake.pauses.watch(),
            "poller": poll(config.buses, clock, intake, build),
            "losses": tell_losses(buffer, roster, intake.event, clock),
            "trust": keep_trust(config.collector, trust, new_stream_id()),
            "warrant": keep_warrant(config.collector, trust, new_stream_id()),
        }
        async with asyncio.TaskGroup() as group:
            for name, task in work.items():
                group.create_task(task, name=name)


def following_of(
    lanes: Iterable[Exchange], beside: Exchange, boot: str, alarms: LocalAlarms
) -> Following:
    """Return what asks for rules, and hears of them from every lane."""
    following = Following(beside.ask_rules, boot, alarms)
    for lane in lanes:
        lane.hinted = following.heard
    return following


async def after_report(asking: Asking, following: Following, hint: str) -> None:
    """Ask what there is to ask when the collector has taken a report; `hint` came with its yes."""
    await asking.look()
    await following.look(hint)


def pages_of(health: Health, alarms: LocalAlarms) -> LocalPages:
    """Return the gateway's own pages."""
    return LocalPages(
        {
            "/health": health.page,
            "/alarms": alarms.page,
            "/metrics": health.metrics,
            "/buffer": health.buffer,
            "/modules": modules,
        },
        {"/alarms/acknowledge": alarms.take_acknowledgement},
    )


async def serve(pages: LocalPages, config: EdgeConfig) -> int:
    """Open the local pages, on their port and in the buffer's folder; returns the port."""
    try:
        port = await pages.listen(config.health_host, config.health_port)
    except OSError as exc:
        address = f"{config.health_host}:{config.health_port}"
        reason = os.strerror(exc.errno) if exc.errno else str(exc)
        raise FengsuiError("GATEWAY_ADDRESS", address=address, reason=reason) from exc
    try:
        await pages.listen_in(config.buffer.folder)
    except OSError as exc:  # only `fengsui-edge buffer` misses it: no reason not to sample
        logger.warning("no socket in the buffer's folder: %s", exc)
    return port


def origin_of(config: EdgeConfig, boot: str) -> Origin:
    """Return what every stream of this process says of itself."""
    points = [p for bus in config.buses for device in bus.devices for p in device.points]
    points.sort(key=lambda point: point.index)
    return Origin(
        gateway=config.gateway,
        boot=boot,
        purpose=config.purpose,
        manifest=config.manifest,
        manifest_digest=manifest_digest(config.manifest),
        decimals=tuple(point.sheet.decimals for point in points),
        sig_alg=sig_alg(config.collector),
    )


def connection(config: EdgeConfig, trust: Trust, give_way: Callable[[float], bool]) -> Connection:
    """Return a connection to the collector, made when it is needed."""
    agent = f"fengsui-edge/{product_version()}"
    return Connection(config.collector, agent, give_way, trust)


def exchange(
    connected: Callable[[Callable[[float], bool]], Connection],
    buffer: Buffer,
    clock: Clock,
    boot: str,
    name: str,
    give_way: Callable[[float], bool] = lambda _: True,
) -> Exchange:
    """Return one connection to the collector in a thread of its own."""
    return Exchange(connected(give_way), OwnerThread(f"uplink-{name}"), buffer, clock, boot)
