"""Commits batches for ever and says so on standard output, until it is killed.

python -m tests.central.ingest.victim FOLDER READINGS_PER_BATCH
"""

import asyncio
import contextlib
import sys
from pathlib import Path

from central.collector import Collector
from central.registry import GatewayExists
from tests.central.builders import Gateway, HandClock, config_in


async def main(folder, per_batch):
    clock = HandClock()
    collector = await Collector.open(config_in(folder), clock)
    with contextlib.suppress(GatewayExists):
        await collector.registry.add_gateway("gw")
    gateway = Gateway(clock)
    stream = gateway.open()
    await gateway.register(collector, stream)
    while True:
        clock.move(0.5)
        made = [
            gateway.reading("count", stream.seq + 1 + nth, ago=-nth / 1000)
            for nth in range(per_batch)
        ]
        answer = await gateway.deliver(collector, stream, *made)
        print(stream.id, answer.committed, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
