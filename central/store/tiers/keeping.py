"""How long readings and their rollups are kept: in general, for each domain, for each site."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from pydantic import Field

from central.keep import DAY, Keep, check_domains, longer, span
from protocols.catalogue import domains
from protocols.schema.fields import Name, Strict
from protocols.schema.report import Report

TIERS: Final = ("keep", "minutes", "hours")
"""Readings, rollups of a minute, rollups of an hour; each is kept at least as long as the finer."""
DEFAULT: Final = {"keep": "400d", "minutes": "1100d", "hours": "forever"}
Spans = Mapping[str, int | None]
"""µs by tier; None: for ever."""


@dataclass(frozen=True, slots=True)
class Floor:
    """At least so long by default; `source` is where that stands, `status` how sure we are of it.

    `status`: V, read in the named source. What is only recalled is never a floor.
    """

    span: int
    source: str
    status: str


FLOORS: Final[Mapping[str, Floor]] = {
    "hazardous_chemicals": Floor(30 * DAY, "STORE_FLOOR_HAZARDOUS_CHEMICALS", "V")
}


@dataclass(frozen=True, slots=True)
class Kept:
    """What holds for a site; `why` says for each tier whose setting that is.

    `site`, `domain`, `general`, `floor` (the domain's floor is longer than the general setting) or
    `longest` (nobody knows the site's domain: the longest of all domains).
    """

    spans: Spans
    why: Mapping[str, str]
    floor: Floor | None = None
    """The domain's, whether it had to be called on or not."""


def _general() -> dict[str, int | None]:
    return {tier: span(DEFAULT[tier]) for tier in TIERS}


@dataclass(frozen=True, slots=True)
class StoreKeeping:
    """Settings; `domains` and `sites` hold only the tiers that were given there."""

    general: Spans = field(default_factory=_general)
    domains: Mapping[str, Spans] = field(default_factory=dict)
    sites: Mapping[str, Spans] = field(default_factory=dict)

    def of(self, site: str, domain: str | None) -> Kept:
        """Return what holds for a site of that domain (None: not known)."""
        if domain is None:
            return self._longest(site)
        spans: dict[str, int | None] = {}
        why: dict[str, str] = {}
        given = (("site", self.sites.get(site, {})), ("domain", self.domains.get(domain, {})))
        for tier in TIERS:
            found = [(who, held[tier]) for who, held in given if tier in held]
            why[tier], spans[tier] = found[0] if found else ("general", self.general[tier])
        floor = FLOORS.get(domain)
        if floor is not None:
            for tier in TIERS:
                least = longer(spans[tier], floor.span)
                if why[tier] == "general" and least != spans[tier]:
                    spans[tier], why[tier] = least, "floor"
        return Kept(spans, why, floor)

    def _longest(self, site: str) -> Kept:
        each = [self.of(site, domain) for domain in domains()]
        spans: dict[str, int | None] = dict(each[0].spans)
        for one in each[1:]:
            spans = {tier: longer(spans[tier], one.spans[tier]) for tier in TIERS}
        own = self.sites.get(site, {})
        return Kept(spans, {tier: "site" if tier in own else "longest" for tier in TIERS})


class TiersModel(Strict):
    """Only what differs; as `400d` or `forever`."""

    keep: Keep | None = None
    minutes: Keep | None = None
    hours: Keep | None = None

    def given(self) -> dict[str, int | None]:
        """Return the tiers that are named."""
        told = {tier: getattr(self, tier) for tier in TIERS}
        return {tier: span(text) for tier, text in told.items() if text is not None}


class StoreModel(Strict):
    """How long readings (`keep`), rollups of a minute and rollups of an hour are kept."""

    keep: Keep = DEFAULT["keep"]
    minutes: Keep = DEFAULT["minutes"]
    hours: Keep = DEFAULT["hours"]
    domains: dict[Name, TiersModel] = Field(default_factory=dict)
    sites: dict[Name, TiersModel] = Field(default_factory=dict)

    def keeping(self) -> StoreKeeping:
        """Return the frozen struct."""
        return StoreKeeping(
            {tier: span(getattr(self, tier)) for tier in TIERS},
            {name: tiers.given() for name, tiers in self.domains.items()},
            {name: tiers.given() for name, tiers in self.sites.items()},
        )


def check_store(report: Report, data: Any) -> None:
    """Name domains that no catalogue has, and tiers that end before the finer one does."""
    check_domains(report, data, "store")
    store = data.get("store") if isinstance(data, dict) else None
    if not isinstance(store, dict):
        return
    general = dict(DEFAULT) | _told(store)
    _check_order(report, ("store",), general, _told(store))
    for section in ("domains", "sites"):
        found = store.get(section)
        for name, told in found.items() if isinstance(found, dict) else ():
            if isinstance(told, dict):
                own = _told(told)
                _check_order(report, ("store", section, name), general | own, own)


def _told(data: Mapping[str, Any]) -> dict[str, str]:
    return {tier: data[tier] for tier in TIERS if isinstance(data.get(tier), str)}


def _check_order(
    report: Report, path: tuple[str, ...], texts: Mapping[str, str], own: Mapping[str, str]
) -> None:
    """Name the tier that was written here and is too short or makes a coarser one so."""
    for finer, coarser in pairwise(TIERS):
        least = span(texts[finer])
        if longer(least, span(texts[coarser])) == span(texts[coarser]):
            continue
        named = coarser if coarser in own else finer
        if named in own:
            told = {"finer": finer, "least": texts[finer], "value": texts[coarser]}
            report.at(
                (*path, named), "STORE_TIER_SHORT", [f"≥ {texts[finer]}"], tier=coarser, **told
            )
