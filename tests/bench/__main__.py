"""`make bench [ONLY=<part>] [SECONDS=300]`: one JSON object a line; the parts are below."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import chain

from tests.bench import (
    alarm_lists,
    alarm_windows,
    alarms,
    alarms_core,
    alarms_through,
    backup,
    buffer,
    chunks,
    codecs,
    delivery,
    edge_alarms,
    evidence,
    fixed_cost,
    gateway_memory,
    guards,
    herd,
    ingest,
    lifeboat,
    points,
    readings_door,
    signing,
)
from tests.bench.central import long, run

PARTS = (
    *("wire", "edge", "buffer", "delivery", "ingest", "herd", "lifeboat", "guards"),
    *("signing", "door", "evidence", "herd-signed", "central", "central-long", "chunks"),
    *("points", "fixed-cost"),
    *("alarms", "alarm-lists", "alarms-through", "backup", "edge-alarms"),
)

BY_NAME = ("herd", "central-long", "points", "fixed-cost")
"""Asked for by name alone: figures another part has too, and what takes long."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--only", choices=PARTS)
    chosen = parser.parse_args()
    # What was started is ended and deleted also where somebody ends this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parts: dict[str, Callable[[], Iterator[dict[str, object]]]] = {
        "wire": codecs.measure,
        "edge": lambda: gateway_memory.measure(chosen.seconds),
        "buffer": lambda: buffer.measure(chosen.seconds),
        "delivery": lambda: delivery.measure(chosen.seconds),
        "ingest": lambda: ingest.measure(chosen.seconds),
        "herd": herd.measure,
        "herd-signed": herd.measure_signed,
        "lifeboat": lifeboat.measure,
        "guards": guards.measure,
        "signing": signing.measure,
        "door": lambda: readings_door.measure(chosen.seconds),
        "edge-alarms": edge_alarms.measure,
        "evidence": evidence.measure,
        "chunks": chunks.measure,
        "alarm-lists": alarm_lists.measure,
        "alarms-through": lambda: alarms_through.measure(chosen.seconds),
        "alarms": lambda: chain(alarms_core.measure(), alarms.measure(), alarm_windows.measure()),
        "points": points.measure,
        "fixed-cost": fixed_cost.measure,
        "backup": backup.measure,
        "central": run.measure,
        "central-long": long.measure,
    }
    for name, measure in parts.items():
        if chosen.only == name or (chosen.only is None and name not in BY_NAME):
            for figure in measure():
                print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
