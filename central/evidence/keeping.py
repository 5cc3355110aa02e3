"""How long evidence is kept: for each domain and site, and by default. Settings, and their form."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import Field

from protocols.catalogue import domains
from protocols.clock import HOUR
from protocols.schema.fields import Matching, Name, Strict
from protocols.schema.report import Report, nearest

DAY: Final = 24 * HOUR
KEEP: Final = re.compile(r"([1-9][0-9]{0,4})d|forever")
DEFAULT: Final = "30d"

Keep = Annotated[str, Matching("KEEP_FORMAT", KEEP)]


@dataclass(frozen=True, slots=True)
class Keeping:
    """Microseconds; None: for ever. A site's own counts before its domain's."""

    default: int | None = 30 * DAY
    domains: Mapping[str, int | None] = field(default_factory=dict)
    sites: Mapping[str, int | None] = field(default_factory=dict)

    def longest(self, sites: Iterable[tuple[str, str]]) -> int | None:
        """Return how long what speaks of all these (site, domain) is kept."""
        found = [
            self.sites[site] if site in self.sites else self.domains.get(domain, self.default)
            for site, domain in sites
        ] or [self.default]
        return None if None in found else max(each for each in found if each is not None)


class EvidenceModel(Strict):
    """How long the canonical batches are kept, as `30d` or `forever`."""

    keep: Keep = DEFAULT
    domains: dict[Name, Keep] = Field(default_factory=dict)
    sites: dict[Name, Keep] = Field(default_factory=dict)

    def keeping(self) -> Keeping:
        """Return the frozen struct."""
        return Keeping(
            _time(self.keep),
            {name: _time(keep) for name, keep in self.domains.items()},
            {name: _time(keep) for name, keep in self.sites.items()},
        )


def check_evidence(report: Report, data: Any) -> None:
    """Name domains that no catalogue has."""
    evidence = data.get("evidence") if isinstance(data, dict) else None
    chosen = evidence.get("domains") if isinstance(evidence, dict) else None
    for name in chosen if isinstance(chosen, dict) else ():
        if name in domains():
            continue
        known = tuple(domains())
        near = nearest(str(name), known)
        code = "KEY_UNKNOWN_NEAR" if near else "KEY_UNKNOWN"
        more = {"near": near[0]} if near else {}
        report.at(("evidence", "domains", name), code, known, value=str(name), **more)


def _time(text: str) -> int | None:
    found = KEEP.fullmatch(text)
    return None if found is None or found[1] is None else int(found[1]) * DAY
