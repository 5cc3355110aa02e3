"""`fengsui-edge buffer`: asks the running gateway; opens the files itself only when none runs."""

import argparse
import asyncio
import json
from typing import Any, Final

from edge.buffer import Buffer
from edge.check import load_config
from edge.config import EdgeConfig
from edge.gateway import origin_of
from edge.health import buffer_picture
from edge.local_http import ask
from protocols.clock import SystemClock
from protocols.errors import BufferFault
from protocols.texts import text
from protocols.wire.opening import new_stream_id

STREAM_COLUMNS: Final = ("number", "stream", "first", "last", "committed", "safe")


def buffer_command(args: argparse.Namespace) -> int:
    """Print streams, backlog and sizes. Raises BufferFault."""
    config = load_config(args.config)
    picture = asyncio.run(look(config))
    if args.json:
        print(json.dumps(picture, ensure_ascii=False))
    else:
        show(picture, args.language)
    return 0


async def look(config: EdgeConfig) -> dict[str, Any]:
    """Return the buffer's state; `running` says who told."""
    folder = config.buffer.folder
    try:
        there = folder.is_dir()
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise BufferFault("BUFFER_UNREADABLE", folder=str(folder), reason=reason) from exc
    if not there:
        raise BufferFault("BUFFER_MISSING", folder=str(folder))
    try:
        told: dict[str, Any] = await ask(folder, "/buffer")
        return told | {"running": True}
    except (OSError, ValueError, TimeoutError):
        pass
    origin = origin_of(config, new_stream_id())
    buffer = await Buffer.open(config.buffer, origin, SystemClock(), needs_medium=True)
    try:
        return buffer_picture(await buffer.stats()) | {"running": False}
    finally:
        await buffer.close()


def show(picture: dict[str, Any], language: str) -> None:
    """Print the picture for people."""
    running = "GATEWAY_RUNS" if picture["running"] else "GATEWAY_STOPPED"
    print(text(running, {}, language))
    used, quota = picture["bytes"] / 1e6, picture["quota_bytes"] / 1e6
    print(text("BUFFER_SIZE", {"used": f"{used:.1f}", "quota": f"{quota:.1f}"}, language))
    for kind in ("alarm", "data"):
        backlog = picture[kind]
        params = {"readings": backlog["readings"], "batches": backlog["batches"]}
        print(text(f"BACKLOG_{kind.upper()}", params, language))
    for reason, count in sorted(picture["drops"].items()):
        if count:
            print(text("BUFFER_DROPPED", {"reason": reason, "count": count}, language))
    for kept in picture["kept"]:
        print(text(state_of(kept), kept | {"size": f"{kept['bytes'] / 1e6:.1f}"}, language))
    for stream in picture["streams"]:
        live = "_LIVE" if stream["live"] else ""
        kind = text(f"BUFFER_STREAM_{stream['kind']}{live}".upper(), {}, language)
        params = {name: stream[name] for name in STREAM_COLUMNS} | {"kind": kind}
        print(text("BUFFER_STREAM", params, language))


def state_of(kept: dict[str, Any]) -> str:
    """Return the code of the sentence about a file put aside."""
    if kept["newer"]:
        return "KEPT_NEWER"
    return "KEPT_UNREAD" if kept["found"] is None else "KEPT_SALVAGED"
