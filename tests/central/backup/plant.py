"""A small device over Modbus TCP whose counters change with every scan.

`python -m tests.central.backup.plant PROFILE` prints the port it listens on.
"""

import asyncio
import contextlib
import signal
import sys

from protocols.clock import SystemClock
from protocols.modbus.simulator import serve
from protocols.schema.profile import load_profile
from protocols.simulators.plant import device_of


def signals(device, point, now):
    return (now // 10_000) % 4_000_000_000


async def run(file):
    device = device_of(load_profile(file), "site", "d0", {"device_id": 1})
    simulator = await serve([device], signals, SystemClock(), port=0)
    print(simulator.port, flush=True)
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await over.wait()
    await simulator.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(sys.argv[1]))
