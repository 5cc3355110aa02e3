"""`fengsui-central verify` and `evidence export`: read-only, beside a running collector or without.

Times are given as `2026-06-12` or RFC 3339; without an offset they are the site's (UTC+8).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from central.config import load_config
from central.evidence.export import export
from central.evidence.verifying import Report, reading, verify
from protocols.clock import SystemClock
from protocols.errors import FengsuiError
from protocols.texts import text
from protocols.verify.lines import moment
from protocols.verify.report import as_json, found, sentences
from protocols.words import Value

SITE: Final = timezone(timedelta(hours=8))
SHOWN: Final = 20
"""Tokens that are named."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TimeUnreadable(FengsuiError):
    """A time that is none."""

    code = "TIME_UNREADABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says; `start` and `end` as text, None: all there is, until now."""

    config: Path
    gateway: str
    start: str | None
    end: str | None
    language: str


def verify_evidence(asked: Asked, *, as_json_object: bool) -> int:
    """Return 0 when everything is as it was, 1 when something was found, each thing named.

    What is not signed because nobody could sign it (tokens, virtual gateways) is told, not found.

    Raises ConfigError, TimeUnreadable, GatewayUnknown, DatabaseUnusable.
    """
    config = load_config(asked.config)
    start, end = _times(asked)
    with reading(config.database) as conn:
        report = verify(conn, asked.gateway, start, end)
    oldest = None if report.oldest is None else moment(report.oldest)
    if as_json_object:
        more: dict[str, Value] = {"gateway": report.gateway, "readings": report.readings}
        more |= {"gone": report.gone, "unread": report.unread}
        more |= {"oldest": oldest, "virtual": report.tokens is not None}
        if report.tokens is not None:
            more["tokens"] = _tokens(report.tokens)
        print(as_json(report.streams, report.findings, asked.language, more))
    else:
        _say(report, oldest, asked.language)
    return 1 if report.findings.count else 0


def export_evidence(asked: Asked, folder: Path) -> int:
    """Write the folder. Raises ConfigError, TimeUnreadable, GatewayUnknown, ExportFailed ..."""
    config = load_config(asked.config)
    start, end = _times(asked)
    now = SystemClock().now()
    with reading(config.database) as conn:
        index = export(conn, asked.gateway, (start or 0, end, now), folder)
    size = sum(size for size, _ in index.files.values())
    told: dict[str, Value] = {"folder": str(folder), "streams": len(index.streams), "bytes": size}
    print(text("EVIDENCE_EXPORTED", told, asked.language))
    return 0


def _say(report: Report, oldest: str | None, language: str) -> None:
    *told, verdict = _sentences(report, language)
    for line in told:
        print(line)
    print(text("EVIDENCE_STORED", {"readings": report.readings}, language))
    if report.gone:
        print(text("EVIDENCE_STORED_GONE", {"readings": report.gone}, language))
    if report.unread:
        print(text("EVIDENCE_STORED_UNREAD", {"readings": report.unread}, language))
    if oldest is not None:
        print(text("EVIDENCE_OLDEST", {"time": oldest}, language))
    print(verdict)


def _sentences(report: Report, language: str) -> Iterator[str]:
    """Of another system each request is a stream: they are told together."""
    if report.tokens is None or not report.streams:
        yield from sentences(report.streams, report.findings, language)
        return
    params: dict[str, Value] = {
        "gateway": report.gateway,
        "streams": len(report.streams),
        "items": sum(proved.items for proved in report.streams),
        "tokens": _tokens(report.tokens),
    }
    yield text("EVIDENCE_VIRTUAL", params, language)
    yield from found(report.findings, language)


def _tokens(tokens: list[str]) -> str:
    return ", ".join(tokens[:SHOWN]) + (" ..." if tokens[SHOWN:] else "")


def _times(asked: Asked) -> tuple[int | None, int]:
    start = None if asked.start is None else _time(asked.start)
    return start, SystemClock().now() if asked.end is None else _time(asked.end)


def _time(said: str) -> int:
    try:
        at = datetime.fromisoformat(said)
        at = at if at.tzinfo is not None else at.replace(tzinfo=SITE)
        return (at - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError) as exc:
        raise TimeUnreadable(value=said[:60]) from exc
