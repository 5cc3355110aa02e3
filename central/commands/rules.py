"""`fengsui-central rules list | sets | check | import | export | why`: rules without a browser.

What only reads opens the database read-only, beside a running collector or without. A file is tried
before anything is done; it goes in through the collector that runs, or into the file of one that is
stopped, which takes it up when it starts.
"""

import argparse
import asyncio
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from central.commands.operator import operator
from central.commands.rules_told import say_list, say_sets, say_why
from central.config import CentralConfig, load_config
from central.control import FolderInUse, ask, holding
from central.database import Database
from central.evidence.verifying import reading
from central.rules.acts import Who
from central.rules.alone import ReadBook, alone, offered_book, read_book, sets_of
from central.rules.asked import counted
from central.rules.importing import XLSX, YAML, Imported, bring_in, exported, tried
from protocols.clock import SystemClock
from protocols.errors import ConfigError, FengsuiError, Problem
from protocols.texts import text

FORMS: Final = {".xlsx": XLSX, ".yaml": YAML, ".yml": YAML}


class RuleFileUnusable(FengsuiError):
    """A file of rules cannot be read or written, or has the wrong ending; the code says which."""

    code = "RULES_FILE_UNREADABLE"


def rules(args: argparse.Namespace) -> int:
    """Do what the verb says and say what came of it. Raises FengsuiError when refused."""
    config = load_config(args.config)
    book = _book(config)
    match args.verb:
        case "list":
            say_list(book.library, args.domain, args.language)
        case "sets":
            say_sets(book, args.language)
        case "why":
            say_why(book, args.point, args.language)
        case "export":
            _export(book, args.file, args.language)
        case _:
            _bring(config, book, args)
    return 0


def _book(config: CentralConfig) -> ReadBook:
    sets = sets_of(config.threshold_sets)
    if not config.database.is_file():
        return offered_book(sets)
    with reading(config.database) as conn:
        return read_book(conn, sets)


def _export(book: ReadBook, file: Path, language: str) -> None:
    form = FORMS.get(file.suffix.lower())
    if form is None:
        raise RuleFileUnusable("RULES_FILE_ENDING", file=str(file), allowed=", ".join(FORMS))
    _write(file, exported(book, form))
    found = book.library
    told = {"rules": len(found.rules), "attached": len(found.attached), "named": len(found.named)}
    print(text("RULES_EXPORTED", {"file": str(file), **told}, language))


def _bring(config: CentralConfig, book: ReadBook, args: argparse.Namespace) -> None:
    data = _read(args.file)
    who = Who(operator(), SystemClock().now(), "import")
    found = tried(book, data, who, ahead=args.ahead, language=args.language)
    if found.marked is not None:
        _refuse(found, args)
    told = counted(found)
    if args.verb == "check" or args.dry_run or found.plan.empty:
        print(text("RULES_NOTHING" if found.plan.empty else "RULES_WOULD", told, args.language))
        return
    wanted = {"by": who.name, "ahead": args.ahead}
    print(text("RULES_IMPORTED", _imported(config, data, wanted), args.language))


def _refuse(found: Imported, args: argparse.Namespace) -> None:
    """Raise ConfigError with the file's own lines, or sheets and rows; write the marked file."""
    if getattr(args, "marked", None) is not None:
        _write(args.marked, found.marked or b"")
        print(text("RULES_MARKED", {"file": str(args.marked)}, args.language))
    raise ConfigError([_at(args.file, found.form, each) for each in found.faults])


def _at(file: Path, form: str, each: Problem) -> Problem:
    return replace(each, file=f"{file}[{each.file}]" if form == XLSX else str(file))


def _imported(config: CentralConfig, data: bytes, wanted: dict[str, Any]) -> dict[str, Any]:
    folder = config.database.parent
    try:
        with holding(folder):
            return asyncio.run(_alone(config, data, wanted))
    except FolderInUse:
        spool = folder / f"rules-import-{secrets.token_hex(8)}"
        try:
            spool.touch(0o600)
            _write(spool, data)
            return ask(folder, "rules", {**wanted, "file": spool.name}, lambda _: None)
        finally:
            spool.unlink(missing_ok=True)


async def _alone(config: CentralConfig, data: bytes, wanted: dict[str, Any]) -> dict[str, Any]:
    clock = SystemClock()
    database = await Database.open(config.database, clock)
    try:
        book = await alone(database, sets_of(config.threshold_sets), clock)
        who = Who(wanted["by"], clock.now(), "import")
        return counted(await bring_in(book, data, who, dry_run=False, ahead=wanted["ahead"]))
    finally:
        await database.close()


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as exc:
        raise RuleFileUnusable(file=str(file), reason=exc.strerror or str(exc)) from exc


def _write(file: Path, data: bytes) -> None:
    try:
        file.write_bytes(data)
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise RuleFileUnusable("RULES_FILE_UNWRITABLE", file=str(file), reason=reason) from exc
