"""`fengsui-central store rebuild`: by the collector that runs, or by us where none does."""

import asyncio
from pathlib import Path

from central.collector import Collector
from central.commands.operator import operator
from central.config import CentralConfig, load_config
from central.control import FolderInUse, Say, Told, ask, holding
from central.evidence.rebuilding import rebuild_all
from protocols.clock import SystemClock
from protocols.texts import text

BACK: frozenset[str] = frozenset({"REBUILD_REBUILT"})


def rebuild_store(file: Path, language: str) -> int:
    """Put back what was set aside; 0: nothing is left of it, 1: something is.

    Raises ConfigError, DatabaseUnusable, ControlSilent ...
    """
    config = load_config(file)
    told: list[str] = []

    def hear(said: Told) -> None:
        if "code" in said:
            told.append(said["code"])
            print(text(said["code"], said["params"], language), flush=True)

    async def say(said: Told) -> None:
        hear(said)

    try:
        with holding(config.database.parent):
            asyncio.run(_alone(config, say))
    except FolderInUse:
        ask(config.database.parent, "rebuild", {"by": operator()}, hear)
    if not told:
        print(text("REBUILD_NONE", {}, language))
    return 0 if BACK.issuperset(told) else 1


async def _alone(config: CentralConfig, say: Say) -> None:
    async with await Collector.open(config, SystemClock()) as collector:
        await rebuild_all(collector.rebuilding, operator(), say)
