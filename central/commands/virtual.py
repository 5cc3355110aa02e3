"""`fengsui-central virtual create | list | token | revoke`: others' systems and their tokens.

Works beside a running collector: that one writes, we only ask. A token is printed once.
"""

import argparse
import asyncio
from collections.abc import Iterator
from typing import Any

from central.commands.operator import operator
from central.config import CentralConfig, load_config
from central.control import FolderInUse, ask, holding
from central.database import Database
from central.door.asked import alone, answer
from protocols.clock import SystemClock
from protocols.texts import text


def virtual(args: argparse.Namespace) -> int:
    """Do what the verb says and say what came of it. Raises FengsuiError when refused."""
    config = load_config(args.config)
    told = _told(config, {"verb": args.verb, "by": operator(), **_wanted(args)})
    if args.verb == "list":
        lines = [line for one in told["items"] for line in _lines(one, args.language)]
        print("\n".join(lines) or text("VIRTUAL_NONE", {}, args.language))
        return 0
    code = {
        "create": "VIRTUAL_CREATED",
        "token": "READINGS_TOKEN_MADE",
        "revoke": "READINGS_TOKEN_REVOKED",
    }[args.verb]
    print(text(code, told, args.language))
    return 0


def _lines(one: dict[str, Any], language: str) -> Iterator[str]:
    keys = one.pop("tokens", [])  # a collector of an earlier version names none
    yield text("VIRTUAL_LINE", one, language)
    for key in keys:
        ended = key.pop("ended")
        yield text("VIRTUAL_TOKEN_ENDED" if ended else "VIRTUAL_TOKEN", key, language)


def _wanted(args: argparse.Namespace) -> dict[str, Any]:
    if args.verb == "create":
        return {
            "gateway": args.gateway,
            "sites": args.site,
            "label": args.label,
            "offline_after": args.offline_after,
        }
    if args.verb == "token":
        return {
            "gateway": args.gateway,
            "name": args.name or args.gateway,
            "readings": args.readings_per_minute,
            "requests": args.requests_per_minute,
        }
    return {"token": args.token} if args.verb == "revoke" else {}


def _told(config: CentralConfig, asked: dict[str, Any]) -> dict[str, Any]:
    folder = config.database.parent
    try:
        with holding(folder):
            return asyncio.run(_alone(config, asked))
    except FolderInUse:
        return ask(folder, "virtual", asked)


async def _alone(config: CentralConfig, asked: dict[str, Any]) -> dict[str, Any]:
    clock = SystemClock()
    database = await Database.open(config.database, clock)
    try:
        return await answer(alone(database, clock), asked)
    finally:
        await database.close()
