"""`fengsui-sim`: simulated sites over real protocols, and the demo made of them."""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import threading
from pathlib import Path

from protocols.errors import FengsuiError
from protocols.story import load_clock
from protocols.texts import text


def main(arguments: list[str] | None = None) -> int:
    """Run `fengsui-sim`; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="fengsui-sim", description="模拟场所与演示 / simulated sites"
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    plant = verbs.add_parser("plant", help="按文件提供模拟设备 / serve simulated devices")
    plant.add_argument("file", type=Path)
    plant.add_argument("--story", type=Path, help="故事时钟文件 / story clock file")
    demo = verbs.add_parser("demo", help="完整演示 / the whole demo")
    demo.add_argument("--port", type=int, default=8000)
    demo.add_argument("--folder", type=Path, default=Path("var/demo"))
    demo.add_argument("--start", default="22:00", help="故事开始 / story starts at, HH:MM[:SS]")
    demo.add_argument("--factor", type=float, default=5.0, help="快放倍数 / how fast it is told")
    chosen = parser.parse_args(arguments)
    try:
        return _plant(chosen) if chosen.verb == "plant" else _demo(chosen)
    except FengsuiError as exc:
        print(text(exc.code, exc.params, "zh"), file=sys.stderr)
        print(text(exc.code, exc.params, "en"), file=sys.stderr)
        return 1


def _plant(chosen: argparse.Namespace) -> int:
    from protocols.simulators.plant import run

    described = json.loads(chosen.file.read_text(encoding="utf-8"))
    clock = load_clock(chosen.story)

    async def until_signal() -> None:
        task = asyncio.ensure_future(run(described, clock))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(until_signal())
    return 0


def _demo(chosen: argparse.Namespace) -> int:
    from protocols.simulators.demo import Demo, Timing

    demo = Demo(
        chosen.folder.resolve(), chosen.port, Timing(start=chosen.start, factor=chosen.factor)
    )
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    try:
        demo.start()
        print(
            text("DEMO_READY", {"link": demo.link, "folder": str(chosen.folder)}, "zh"), flush=True
        )
        print(
            text("DEMO_READY", {"link": demo.link, "folder": str(chosen.folder)}, "en"), flush=True
        )
        while not over.wait(1.0):
            if (gone := demo.children.ended()) is not None:
                raise gone
    finally:
        demo.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
