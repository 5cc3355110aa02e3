"""How long evidence is kept: for each domain and site, and by default. Settings, and their form."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import Field

from central.keep import DAY, Keep, check_domains, span
from protocols.schema.fields import Name, Strict
from protocols.schema.report import Report

DEFAULT: Final = "30d"


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
            span(self.keep),
            {name: span(keep) for name, keep in self.domains.items()},
            {name: span(keep) for name, keep in self.sites.items()},
        )


def check_evidence(report: Report, data: Any) -> None:
    """Name domains that no catalogue has."""
    check_domains(report, data, "evidence")
