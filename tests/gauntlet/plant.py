"""Serves the truth over Modbus TCP in a process of its own.

`python -m tests.gauntlet.plant FOLDER PORT` prints the port it listens on.
"""

import asyncio
import contextlib
import signal
import sys

from protocols.clock import SystemClock
from protocols.modbus.simulator import serve
from protocols.schema.profile import load_profile
from protocols.simulators.plant import device_of
from tests.gauntlet.site import DEVICES, PER_DEVICE, profile_file
from tests.gauntlet.truth import value_at


def signals(device: str, point: str, now: int) -> int:
    return value_at(int(device[1:]) * PER_DEVICE + int(point[1:]), now)


async def run(folder: str, port: int) -> None:
    profile = load_profile(profile_file(folder))
    devices = [
        device_of(profile, "gauntlet", f"d{number}", {"device_id": number + 1})
        for number in range(DEVICES)
    ]
    simulator = await serve(devices, signals, SystemClock(), port=port)
    print(simulator.port, flush=True)
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await over.wait()
    await simulator.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(sys.argv[1], int(sys.argv[2])))
