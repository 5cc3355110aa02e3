"""What `fengsui-central rules import` asks of a running collector."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from central.rules.acts import Who
from central.rules.importing import Book, Imported, bring_in
from protocols.clock import Clock
from protocols.errors import FengsuiError

EVERY: Final = 3.0
"""Real seconds after which the command hears that it goes on."""
SPOOLED: Final = re.compile(r"rules-import-[0-9a-f]{16}")


class RuleFileFaults(FengsuiError):
    """The file has faults by now; nothing was done."""

    code = "RULES_FILE"


async def take_file(
    book: Book,
    folder: Path,
    clock: Clock,
    asked: Mapping[str, Any],
    say: Callable[[dict[str, Any]], Awaitable[None]],
) -> dict[str, Any]:
    """Bring in the file that lies in the data folder. Raises FengsuiError, KeyError."""
    name = str(asked["file"])
    if not SPOOLED.fullmatch(name):
        raise KeyError(name)
    data = await asyncio.to_thread((folder / name).read_bytes)
    who = Who(str(asked["by"]), clock.now(), "import")
    work = asyncio.ensure_future(
        bring_in(book, data, who, dry_run=False, ahead=bool(asked["ahead"]))
    )
    while not (await asyncio.wait({work}, timeout=EVERY))[0]:
        await say({})
    return counted(work.result())


def counted(found: Imported) -> dict[str, Any]:
    """Return how much a file led to, or would. Raises RuleFileFaults."""
    if found.marked is not None:
        raise RuleFileFaults(count=len(found.faults))
    plan = found.plan
    return {
        "created": len(plan.create),
        "changed": len(plan.change),
        "retired": len(plan.retire),
        "attached": len(plan.attach),
        "named": len(plan.name),
        "unchanged": plan.unchanged,
    }
