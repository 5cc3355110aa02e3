"""How long something is kept, as people write it: `30d`, `365d` or `forever`."""

import re
from typing import Annotated, Any, Final

from protocols.catalogue import domains
from protocols.clock import HOUR
from protocols.schema.fields import Matching
from protocols.schema.report import Report, nearest

DAY: Final = 24 * HOUR
KEEP: Final = re.compile(r"([1-9][0-9]{0,4})d|forever")

Keep = Annotated[str, Matching("KEEP_FORMAT", KEEP)]


def span(text: str) -> int | None:
    """Return microseconds; None: for ever."""
    found = KEEP.fullmatch(text)
    return None if found is None or found[1] is None else int(found[1]) * DAY


def longer(first: int | None, second: int | None) -> int | None:
    """Return the longer of two spans."""
    return None if first is None or second is None else max(first, second)


def check_domains(report: Report, data: Any, section: str) -> None:
    """Name domains of `section` that no catalogue has."""
    told = data.get(section) if isinstance(data, dict) else None
    chosen = told.get("domains") if isinstance(told, dict) else None
    for name in chosen if isinstance(chosen, dict) else ():
        if name in domains():
            continue
        known = tuple(domains())
        near = nearest(str(name), known)
        code = "KEY_UNKNOWN_NEAR" if near else "KEY_UNKNOWN"
        more = {"near": near[0]} if near else {}
        report.at((section, "domains", name), code, known, value=str(name), **more)
