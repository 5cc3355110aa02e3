"""`fengsui-central gateway code | list | approve | refuse | revoke`.

Works beside a running collector: that one writes, we only ask. The code is printed once, with its
QR code where somebody looks at a terminal.
"""

import argparse
import asyncio
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from central.commands.create_admin import base_url
from central.commands.operator import operator
from central.config import CentralConfig, load_config
from central.control import FolderInUse, ask, holding
from central.database import Database
from central.enrolment import qr
from central.enrolment.acts import OrderIncomplete, WindowRefused
from central.enrolment.asked import answer
from central.enrolment.office import After, Office
from central.identity import collector_key
from central.tls.settings import OwnTls
from central.tls.trust import TrustDesk
from protocols.clock import SystemClock
from protocols.enrolment import Invitation, show_code, write_invitation
from protocols.errors import FengsuiError
from protocols.texts import text
from protocols.words import Value

SITE: Final = timezone(timedelta(hours=8))
_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104  # what is listened on


class UrlNeeded(FengsuiError):
    """Nobody can tell from the configuration under which address gateways find us."""

    code = "ENROLMENT_URL_NEEDED"


class FileUnwritable(FengsuiError):
    """The picture cannot be written; the code has been printed."""

    code = "ENROLMENT_FILE_UNWRITABLE"


def gateway(args: argparse.Namespace) -> int:
    """Do what the verb says and say what came of it. Raises FengsuiError when refused."""
    config = load_config(args.config)
    asked: dict[str, Any] = {"verb": args.verb, "by": operator(), "gateway": args.gateway}
    if args.verb == "code":
        url = args.url or _url(config)
        told = _told(config, asked | _wanted(args))
        return _say_code(told, url, args)
    told = _told(config, asked | {"answer": args.answer})
    if args.verb == "list":
        return _say_list(told, args.language)
    code = {
        "approve": "ENROLMENT_APPROVED_KEY" if "keyid" in told else "ENROLMENT_APPROVED_BOOT",
        "refuse": "ENROLMENT_REFUSED_ONES",
        "revoke": "ENROLMENT_REVOKED_ONES",
    }[args.verb]
    params = {**told, "gateway": args.gateway, "ended": ", ".join(told.get("ended", []))}
    print(text(code, params, args.language))
    return 0


def _told(config: CentralConfig, asked: dict[str, Any]) -> dict[str, Any]:
    folder = config.database.parent
    try:
        with holding(folder):
            return asyncio.run(_alone(config, asked))
    except FolderInUse:
        return ask(folder, "gateway", asked)


async def _alone(config: CentralConfig, asked: dict[str, Any]) -> dict[str, Any]:
    clock = SystemClock()
    database = await Database.open(config.database, clock)
    try:
        folder = config.database.parent
        own = collector_key.load(folder)
        await database.write(lambda tables: collector_key.note(tables, own, clock.now()))
        trust = TrustDesk.open(config.tls, folder, clock, signer=own.signer)
        after = After(changed=_nobody, created=_nobody, tell=_nobody)
        return await answer(Office(database, clock, own.signer, trust, after), asked)
    finally:
        await database.close()


def _nobody(*_: object) -> None:
    """No collector runs that would have to hear of it."""


def _wanted(args: argparse.Namespace) -> dict[str, Any]:
    if (args.order is None) != (args.installer is None):
        raise OrderIncomplete
    order = None if args.order is None else {"number": args.order, "installer": args.installer}
    return {
        "site": args.site,
        "order": order,
        "opens": _time(args.opens),
        "expires": _time(args.expires),
    }


def _time(said: str | None) -> int | None:
    """Return a time as typed, µs UTC; without an offset it is meant in China. WindowRefused."""
    if said is None:
        return None
    try:
        moment = datetime.fromisoformat(said)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=SITE)
        return int(aware.timestamp()) * 1_000_000
    except (ValueError, OverflowError) as exc:
        raise WindowRefused from exc


def _url(config: CentralConfig) -> str:
    """Return where gateways find the collector, as far as the configuration says. UrlNeeded."""
    if config.url is not None:
        return config.url
    names = config.tls.names if isinstance(config.tls, OwnTls) else ()
    host = config.host if config.host not in _EVERYWHERE else next(iter(names), None)
    if host is None or config.port == 0:
        raise UrlNeeded
    if config.tls is None:
        return base_url(config)
    shown = f"[{host}]" if ":" in host else host
    return f"https://{shown}:{config.port}"


def _say_code(told: dict[str, Any], url: str, args: argparse.Namespace) -> int:
    language, code = args.language, told["code"]
    invited = write_invitation(Invitation(url=url.rstrip("/"), ca=told["ca"], code=code))
    print(text("ENROLMENT_CODE", {"gateway": told["gateway"], "code": show_code(code)}, language))
    window: dict[str, Value] = {"opens": _shown(told["opens"]), "expires": _shown(told["expires"])}
    if args.order is None:
        print(text("ENROLMENT_CODE_UNTIL", window, language))
    else:
        order = {"order": args.order, "installer": args.installer}
        print(text("ENROLMENT_CODE_ORDER", {**window, **order}, language))
    print(text("ENROLMENT_SHEET", {"text": invited}, language))
    if sys.stdout.isatty():
        print(qr.blocks(invited))
    if args.png is not None:
        _write(args.png, qr.png(invited))
        print(text("ENROLMENT_PNG", {"file": str(args.png)}, language))
    return 0


def _write(file: Path, picture: bytes) -> None:
    try:
        file.write_bytes(picture)
    except OSError as exc:
        raise FileUnwritable(file=str(file), reason=exc.strerror or str(exc)) from exc


def _say_list(told: dict[str, Any], language: str) -> int:
    for code in told["codes"]:
        times = {"opens": _shown(code["opens"]), "expires": _shown(code["expires"])}
        _line("CODE", {**code, **times, "order": code["work_order"] or ""}, language)
    for key in told["keys"]:
        _line("KEY", key, language)
    for held in told["held"]:
        _line("HELD", {**held, "since": _shown(held["since"])}, language)
    if not any(told.values()):
        print(text("ENROLMENT_NONE", {}, language))
    return 0


def _line(kind: str, params: dict[str, Any], language: str) -> None:
    word, line = f"ENROLMENT_{params['state'].upper()}", f"ENROLMENT_LIST_{kind}"
    print(text(line, {**params, "state": text(word, {}, language)}, language).rstrip())


def _shown(time: int) -> str:
    at = datetime.fromtimestamp(time // 1_000_000, UTC).astimezone(SITE)
    return at.isoformat(" ", "minutes")
