"""The gateway's figures as Prometheus text (exposition format 0.0.4), from the health picture.

Few lines, written by hand: the client library has no place in a gateway's memory. Counters count
since the start of the process.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from protocols.clock import SECOND, ClockState

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
STATES: Final = {"online": 1, "offline": 0}
MEDIA: Final = ("ok", "memory", "failing")


@dataclass(slots=True)
class Metric:
    """One name with its samples: labels and value."""

    name: str
    kind: str
    help: str
    samples: list[tuple[Mapping[str, str], float]] = field(default_factory=list)

    def text(self) -> Iterator[str]:
        """Yield the lines."""
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels, value in self.samples:
            inner = ",".join(f'{key}="{escaped(text)}"' for key, text in labels.items())
            yield (
                f"{self.name}{{{inner}}} {number(value)}"
                if inner
                else (f"{self.name} {number(value)}")
            )


def escaped(text: str) -> str:
    """Return a label's value as the format wants it."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def number(value: float) -> str:
    """Return a number, whole ones without a fraction."""
    return str(int(value)) if value == int(value) else repr(float(value))


def metrics_text(picture: Mapping[str, Any]) -> str:
    """Return the page made of what `/health` shows."""
    metrics = [*_buffer(picture), *_link(picture["uplink"]), *_buses(picture["buses"])]
    metrics += _clock(picture["clock_state"], picture["clock"])
    memory = picture["memory_kb"] * 1024
    metrics.append(_one("process_resident_memory_bytes", "gauge", "Resident memory", memory))
    return "".join(f"{line}\n" for metric in metrics for line in metric.text())


def _one(name: str, kind: str, text: str, value: float) -> Metric:
    return Metric(name, kind, text, [({}, value)])


def _buffer(picture: Mapping[str, Any]) -> Iterator[Metric]:
    buffer, backlog = picture["buffer"], picture["backlog"]
    yield _one("fengsui_buffer_bytes", "gauge", "Bytes of the buffer's files", buffer["bytes"])
    yield _one("fengsui_buffer_quota_bytes", "gauge", "Bytes it may take", buffer["quota_bytes"])
    yield _one("fengsui_buffer_ballast_bytes", "gauge", "Ballast held", buffer["ballast_bytes"])
    yield _one(
        "fengsui_buffer_written_bytes_total", "counter", "Bytes sealed", buffer["written_bytes"]
    )
    if buffer["hours_left"] is not None:
        yield _one(
            "fengsui_buffer_hours_left", "gauge", "At the present rate", buffer["hours_left"]
        )
    yield Metric(
        "fengsui_buffer_medium",
        "gauge",
        "1 for the state the medium is in: ok, memory (held in memory only), failing",
        [({"state": state}, float(state == buffer["medium"])) for state in MEDIA],
    )
    yield Metric(
        "fengsui_backlog_readings",
        "gauge",
        "Readings and events that wait",
        [({"kind": kind}, backlog[kind]["readings"]) for kind in ("alarm", "data")],
    )
    yield Metric(
        "fengsui_drops_total",
        "counter",
        "Readings and events given up, by reason",
        [({"reason": reason}, count) for reason, count in sorted(picture["drops"].items())],
    )


def _link(uplink: Mapping[str, Any]) -> Iterator[Metric]:
    yield _one("fengsui_uplink_up", "gauge", "1 while the collector answers", float(uplink["up"]))
    for name, what in (("sent_batches", "Batches sent"), ("sent_bytes", "Bytes sent")):
        yield _one(f"fengsui_uplink_{name}_total", "counter", what, uplink[name])
    yield _one(
        "fengsui_uplink_refused_streams",
        "gauge",
        "Streams the collector refuses, tried again now and then",
        uplink["refused_streams"],
    )
    yield _one(
        "fengsui_uplink_went_back_total",
        "counter",
        "Times the collector held less than it had confirmed",
        uplink["went_back"],
    )


def _clock(state: int, clock: Mapping[str, Any]) -> Iterator[Metric]:
    yield _one(
        "fengsui_clock_synchronised",
        "gauge",
        "0 while nothing holds the wall clock",
        float(state != ClockState.UNSYNCHRONISED),
    )
    for name, key, what in (
        ("maximum_error", "maximum_error", "The kernel's bound of the wall clock's error"),
        ("offset", "offset", "The wall clock minus the collector's, by its answers"),
        ("offset_within", "within", "How exact that offset is: half a round trip"),
    ):
        if clock[key] is not None:
            yield _one(f"fengsui_clock_{name}_seconds", "gauge", what, clock[key] / SECOND)
    yield _one("fengsui_pauses_total", "counter", "Times the gateway did not run", clock["pauses"])
    seconds = clock["paused"] / SECOND
    yield _one("fengsui_paused_seconds_total", "counter", "For how long", seconds)


def _buses(buses: Iterable[Mapping[str, Any]]) -> Iterator[Metric]:
    listed = list(buses)
    names = [({"bus": bus["name"]}, bus) for bus in listed]
    yield Metric("fengsui_bus_missed_total", "counter", "Scans that were due and not made",
                 [(labels, bus["missed"]) for labels, bus in names])  # fmt: skip
    yield Metric(
        "fengsui_bus_losses_total",
        "counter",
        "Readings dropped before they could be taken in, by reason",
        [
            (labels | {"reason": reason}, count)
            for labels, bus in names
            for reason, count in sorted(bus["losses"].items())
        ],
    )
    yield Metric("fengsui_bus_restarts_total", "counter", "Times a driver died and began anew",
                 [(labels, bus["restarts"]) for labels, bus in names])  # fmt: skip
    yield Metric(
        "fengsui_device_online",
        "gauge",
        "1 while the device answers",
        [
            ({"site": device["site"], "device": device["name"]}, STATES.get(device["state"], 0))
            for bus in listed
            for device in bus["devices"]
        ],
    )
