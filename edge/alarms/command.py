"""`fengsui-edge alarms`: what stands at this gateway and what happened; acknowledges one."""

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from edge.check import load_config
from edge.local_http import ask
from protocols.errors import FengsuiError
from protocols.texts import text

PAGE = "/alarms"


def alarms_command(args: argparse.Namespace) -> int:
    """Print what stands and the journal, or acknowledge. Raises FengsuiError."""
    folder = load_config(args.config).buffer.folder
    if args.acknowledge:
        query = urlencode({"rule": args.acknowledge, "by": args.by})
        done = _ask(folder, f"{PAGE}/acknowledge?{query}", "POST")
        said = text("ALARM_ACKED", done, args.language)
        print(json.dumps(done, ensure_ascii=False) if args.json else said)
        return 0
    picture = _ask(folder, PAGE, "GET")
    if args.json:
        print(json.dumps(picture, ensure_ascii=False))
    else:
        show(picture, args.language)
    return 0


def show(picture: dict[str, Any], language: str) -> None:
    """Print the page for people."""
    print(text("ALARMS_STANDING", {"count": len(picture["standing"])}, language))
    for each in picture["standing"]:
        print(f"  {each['text'][language]}")
        print(f"    {each['rule']}")
    version = (picture["version"] or "—")[:12]
    rules = {"count": picture["rules"], "left": picture["left_count"], "version": version}
    print(text("ALARMS_RULES", rules, language))
    for each in picture["left"]:
        print(f"  {each['rule']}: {each['reason']}")
    params = {"count": len(picture["journal"]), "gone": picture["journal_gone"]}
    print(text("ALARMS_JOURNAL", params, language))
    for line in picture["journal"]:
        print(f"  {line['text'][language]}")


def _ask(folder: Path, page: str, method: str) -> Any:
    try:
        return asyncio.run(ask(folder, page, method))
    except (OSError, ValueError, TimeoutError) as exc:
        raise FengsuiError("ALARMS_GATEWAY_STOPPED") from exc
