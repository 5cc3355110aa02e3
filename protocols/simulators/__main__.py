"""`fengsui-sim`: simulated sites over real protocols, and the demo made of them."""

import argparse
import asyncio
import contextlib
import math
import re
import signal
import sys
from pathlib import Path
from typing import Final

from protocols.errors import ConfigError, FengsuiError
from protocols.problems import lines
from protocols.story import load_clock
from protocols.texts import LANGUAGES, text

MOMENT: Final = re.compile(r"2[0-3]:[0-5]\d(:[0-5]\d)?", re.ASCII)
"""When the told evening may begin: after the past has something to arrive with."""


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
    demo.add_argument("--port", type=_port, default=8000)
    demo.add_argument("--folder", type=Path, default=Path("var/demo"))
    demo.add_argument(
        "--start", type=_moment, default="22:00", help="故事开始 / story starts at, HH:MM[:SS]"
    )
    demo.add_argument("--factor", type=_factor, default=5.0, help="快放倍数 / how fast it is told")
    chosen = parser.parse_args(arguments)
    try:
        return _plant(chosen) if chosen.verb == "plant" else _demo(chosen)
    except ConfigError as exc:
        for language in LANGUAGES:
            print(*lines(exc.problems, language, json_lines=False), sep="\n", file=sys.stderr)
        return 1
    except FengsuiError as exc:
        for language in LANGUAGES:
            print(text(exc.code, exc.params, language), file=sys.stderr)
        return 1


def _port(word: str) -> int:
    if word.isascii() and word.isdigit() and 0 < int(word) < 65_536:
        return int(word)
    raise argparse.ArgumentTypeError(f"{word!r}: 端口应为 1–65535 / a port is 1 to 65535")


def _moment(word: str) -> str:
    if MOMENT.fullmatch(word):
        return word
    raise argparse.ArgumentTypeError(f"{word!r}: 应为 20:00–23:59[:SS] / 20:00 to 23:59[:SS]")


def _factor(word: str) -> float:
    with contextlib.suppress(ValueError):
        if math.isfinite(factor := float(word)) and 0 < factor <= 100:
            return factor
    raise argparse.ArgumentTypeError(f"{word!r}: 倍数应大于 0、至多 100 / above 0, at most 100")


def _plant(chosen: argparse.Namespace) -> int:
    from protocols.simulators.plant import read, run

    described = read(chosen.file)
    clock = load_clock(chosen.story)

    async def until_signal() -> None:
        task = asyncio.ensure_future(run(described, clock))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    try:
        asyncio.run(until_signal())
    except OSError as exc:
        raise FengsuiError("PLANT_FAILED", reason=str(exc) or type(exc).__name__) from exc
    return 0


def _demo(chosen: argparse.Namespace) -> int:
    from protocols.simulators.demo import Demo, Timing

    demo = Demo(
        chosen.folder.resolve(), chosen.port, Timing(start=chosen.start, factor=chosen.factor)
    )
    # A closed terminal (SIGHUP) ends the demo as Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: demo.over.set())
    ready = {
        "folder": str(chosen.folder),
        "start": chosen.start,
        "factor": f"{chosen.factor:g}",
    }
    try:
        demo.start()
        for language in LANGUAGES:
            print(text("DEMO_READY", {**ready, "link": demo.link}, language), flush=True)
        while not demo.over.wait(1.0):
            if (gone := demo.children.ended()) is not None:
                raise gone
    except FengsuiError:
        # Asked to end, whatever broke off on the way is no news.
        if not demo.over.is_set():
            raise
    except OSError as exc:
        reason = str(exc) or type(exc).__name__
        raise FengsuiError("DEMO_FOLDER", folder=str(chosen.folder), reason=reason) from exc
    finally:
        demo.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
