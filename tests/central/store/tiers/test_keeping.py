"""How long: a site's own setting, its domain's, the general one, and the floor with its source."""

import pytest

from central.config import load_config
from central.keep import DAY
from central.store.tiers.keeping import FLOORS, StoreKeeping
from protocols.errors import ConfigError
from protocols.texts import catalogue

HEAD = "format: v1\ndatabase: x.db\n"


def load(folder, text):
    file = folder / "central.yaml"
    file.write_text(HEAD + text, encoding="utf-8")
    return load_config(file).store


def problems(folder, text):
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    return [(problem.line, problem.code) for problem in caught.value.problems]


def test_what_nobody_wrote(tmp_path):
    kept = load(tmp_path, "").of("a", "flood_drought")
    assert kept.spans == {"keep": 400 * DAY, "minutes": 1100 * DAY, "hours": None}
    assert set(kept.why.values()) == {"general"}
    assert StoreKeeping() == load(tmp_path, "")


def test_a_site_counts_before_its_domain_tier_by_tier(tmp_path):
    store = load(
        tmp_path,
        "store:\n  keep: 10d\n  domains: {marine: {keep: 20d, minutes: 30d}}\n"
        "  sites: {buoy: {keep: 25d}, far: {keep: forever, minutes: forever}}\n",
    )
    buoy = store.of("buoy", "marine")
    assert buoy.spans == {"keep": 25 * DAY, "minutes": 30 * DAY, "hours": None}
    assert buoy.why == {"keep": "site", "minutes": "domain", "hours": "general"}
    assert store.of("other", "marine").spans["keep"] == 20 * DAY
    assert store.of("far", "ecology").spans["keep"] is None


def test_the_floor_holds_where_nobody_decided_otherwise(tmp_path):
    store = load(tmp_path, "store: {keep: 7d, minutes: 8d, hours: 9d}\n")
    kept = store.of("tanks", "hazardous_chemicals")
    assert kept.spans == dict.fromkeys(("keep", "minutes", "hours"), 30 * DAY)
    assert set(kept.why.values()) == {"floor"}
    assert kept.floor == FLOORS["hazardous_chemicals"]
    assert store.of("x", "marine").spans["keep"] == 7 * DAY
    chosen = "store: {keep: 7d, domains: {hazardous_chemicals: {keep: 8d}}}\n"
    own = load(tmp_path, chosen).of("tanks", "hazardous_chemicals")
    assert (own.spans["keep"], own.why["keep"]) == (8 * DAY, "domain")
    assert own.floor.span == 30 * DAY


def test_only_what_was_read_in_a_source_is_a_floor():
    for floor in FLOORS.values():
        assert floor.status == "V"
        assert all(floor.source in catalogue(language) for language in ("zh", "en"))


def test_of_a_site_nobody_knows_the_longest_holds(tmp_path):
    store = load(tmp_path, "store: {keep: 7d, domains: {ecology: {keep: 90d}}}\n")
    kept = store.of("gone", None)
    assert kept.spans["keep"] == 90 * DAY
    assert set(kept.why.values()) == {"longest"}


def test_every_mistake_is_named_with_its_line(tmp_path):
    text = """store:
  keep: 40 days
  minutes: 100d
  hours: 50d
  domains:
    marin: {keep: 9d}
    marine: {keep: 200d}
  sites:
    a: {keep: 1d, minutes: 2d, hours: 1d}
    b: {kep: 1d}
"""
    found = problems(tmp_path, text)
    assert (4, "KEEP_FORMAT") in found
    assert (6, "STORE_TIER_SHORT") in found
    assert (8, "KEY_UNKNOWN_NEAR") in found
    assert (9, "STORE_TIER_SHORT") in found
    assert (11, "STORE_TIER_SHORT") in found
    assert any(line == 12 for line, _ in found)
