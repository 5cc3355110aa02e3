"""Which rule holds for a point: the nearest that can be used there, never one in another unit."""

import pytest

from central.rules.figures import fitted
from central.rules.meant import Index, Why, families
from central.rules.resolving import Resolver
from protocols.alarms.kinds.several import Clause, Deviation
from protocols.alarms.kinds.vote import Vote
from tests.central.rules.builders import (
    TANK,
    attachment,
    body,
    confirmed,
    library,
    named,
    place,
    rule,
)

READY = confirmed(TANK)
FARTHER = confirmed(TANK | {"id": "own.farther"})


def held(lib, where=None):
    (found,) = families(Index.of(lib), where or place())
    return found


def whys(found):
    return [(each.attachment.id, each.why) for each in found.passed]


@pytest.mark.parametrize(
    ("scope", "at"),
    [
        ("DOMAIN", "7"),
        ("PROFILE", "example/x"),
        ("SITE", "site"),
        ("OBJECT", "site/tank-1"),
        ("POINT", "site/gw/tank/level"),
    ],
)
def test_a_rule_holds_for_what_lies_where_it_is_attached(scope, at):
    found = held(library(READY, attached=[attachment(1, "own.high", scope, at)]))
    assert found.rule.id == "own.high"
    definition = found.definition("site/gw/tank/level")
    assert definition.rule.id == "site/gw/tank/level:high"
    assert [level.limit for level in definition.rule.levels] == [8.5, 9.0]


def test_the_nearest_holds_and_the_others_are_named():
    attached = [
        attachment(1, "own.farther", "DOMAIN", "7"),
        attachment(2, "own.high", "OBJECT", "site/tank-1"),
        attachment(3, "own.farther", "SITE", "site"),
    ]
    found = held(library(READY, FARTHER, attached=attached))
    assert found.attachment.id == 2
    assert whys(found) == [(3, Why.FARTHER), (1, Why.FARTHER)]


def test_a_manifests_own_limits_are_the_nearest_until_somebody_attaches_to_the_point():
    here = place(own=["high"])
    far = [attachment(1, "own.high", "OBJECT", "site/tank-1")]
    assert held(library(READY, attached=far), here).manifest
    near = [*far, attachment(2, "own.high", "POINT", "site/gw/tank/level")]
    found = held(library(READY, attached=near), here)
    assert (found.manifest, found.rule.id) == (False, "own.high")
    assert [each.attachment.rule for each in found.passed] == ["manifest", "own.high"]


def test_what_nobody_confirmed_never_silences_what_lies_behind_it():
    attached = [
        attachment(1, "own.farther", "SITE", "site"),
        attachment(2, "own.high", "POINT", "site/gw/tank/level"),
    ]
    found = held(library(TANK, FARTHER, attached=attached))
    assert found.rule.id == "own.farther"
    assert whys(found) == [(2, Why.UNCONFIRMED)]


def test_a_family_can_be_ended_at_a_place():
    attached = [
        attachment(1, "own.high", "DOMAIN", "7"),
        attachment(2, None, "OBJECT", "site/tank-1", reason="装有机械限位"),
    ]
    found = held(library(READY, attached=attached))
    assert (found.attachment.id, found.rule) == (2, None)
    assert found.definition("p") is None
    elsewhere = place("site/gw/tank/other", object="site/tank-2")
    assert held(library(READY, attached=attached), elsewhere).rule.id == "own.high"


def test_a_retired_rule_is_passed_over():
    retired = rule(READY, retired=True)
    found = held(library(retired, attached=[attachment(1, "own.high", "SITE", "site")]))
    assert (found.attachment, whys(found)) == (None, [(1, Why.RETIRED)])


@pytest.mark.parametrize(("unit", "limits"), [("cm", [850.0, 900.0]), ("mm", [8500.0, 9000.0])])
def test_figures_are_converted_to_the_unit_of_the_point(unit, limits):
    found = held(
        library(READY, attached=[attachment(1, "own.high", "SITE", "site")]), place(unit=unit)
    )
    levels = found.definition("p").rule.levels
    assert [level.limit for level in levels] == limits
    assert levels[0].deadband == limits[0] / 85


def test_a_unit_that_cannot_be_converted_is_refused_never_compared():
    attached = [attachment(1, "own.high", "SITE", "site")]
    found = held(library(READY, attached=attached), place(unit="%"))
    assert (found.attachment, whys(found)) == (None, [(1, Why.UNIT)])


def test_a_rule_is_for_its_quantities_alone():
    attached = [attachment(1, "own.high", "SITE", "site")]
    assert families(Index.of(library(READY, attached=attached)), place(quantity="oxygen")) == []


LEVELS = TANK | {
    "id": "flood.level",
    "levels": [
        {
            "name": "汛限水位",
            "name_en": "Flood limit level",
            "colour": "blue",
            "op": ">=",
            "limit": None,
            "named": "flood_limit_level",
            "status": "S",
        }
    ],
}
FLOOD = [attachment(1, "flood.level", "DOMAIN", "7")]


def test_a_named_level_takes_its_figure_from_the_place_for_its_season():
    figures = [
        named(1, 41.0, valid_from="04-15", valid_to="10-15", clause="2026 年调度计划 3.1"),
        named(2, 4250.0, unit="cm", valid_from="10-16", valid_to="04-14"),
    ]
    found = held(library(LEVELS, attached=FLOOD, named=figures))
    levels = found.definition("p").rule.levels
    assert [(each.limit, each.valid_from, each.valid_to) for each in levels] == [
        (41.0, "04-15", "10-15"),
        (42.5, "10-16", "04-14"),
    ]
    assert levels[0].clause == "2026 年调度计划 3.1"
    assert (levels[0].confirmed_by, levels[0].confirmed_on) == ("王工", "2026-06-12")
    assert len({each.name for each in levels}) == 2


def test_the_nearest_figure_of_a_name_counts():
    figures = [named(1, 40.0, scope="SITE", at="site"), named(2, 41.0)]
    found = held(library(LEVELS, attached=FLOOD, named=figures))
    assert [each.limit for each in found.definition("p").rule.levels] == [41.0]


def test_without_a_figure_it_is_offered_and_silent():
    found = held(library(LEVELS, attached=FLOOD))
    assert (found.attachment, whys(found)) == (None, [(1, Why.UNCONFIRMED)])


VOTE = confirmed(
    {
        "id": "own.vote",
        "label": {"zh": "可燃气体二取二", "en": "Two gas heads"},
        "quantity": [],
        "unit": "",
        "kind": "vote",
        "source": "设计文件",
        "inputs": [{"name": "heads", "quantity": "tank_level", "unit": "m", "many": True}],
        "clauses": [{"input": "heads", "op": ">=", "limit": 8.0}],
        "levels": [{"name": "2", "colour": "red", "op": ">=", "limit": 2, "status": "S"}],
    }
)
HEADS = [
    place("site/gw/a/level", number=11),
    place("site/gw/b/level", number=12, unit="cm"),
    place("site/gw/c/level", number=13, object="site/tank-2"),
]


def several(document, places, scope="OBJECT", at="site/tank-1"):
    lib = library(document, attached=[attachment(1, document["id"], scope, at, family="vote")])
    return Resolver(lib).of_objects(places)


def test_a_vote_is_on_its_object_with_each_input_in_its_own_unit():
    wanted = several(VOTE, HEADS)
    assert list(wanted) == ["site/tank-1:vote"]
    made = wanted["site/tank-1:vote"]
    assert made.inputs == ((11, "heads.1"), (12, "heads.2"))
    assert made.definition.kind == Vote(
        clauses=(Clause("heads.1", ">=", 8.0), Clause("heads.2", ">=", 800.0))
    )
    assert made.source == "library"


def test_an_input_that_is_not_one_alone_makes_no_rule():
    one = VOTE | {"inputs": [VOTE["inputs"][0] | {"many": False}]}
    assert several(one, HEADS) == {}
    assert several(VOTE, HEADS[2:]) == {}


def test_a_deviation_takes_points_by_their_ids():
    document = VOTE | {
        "kind": "deviation",
        "unit": "cm",
        "input": "one",
        "reference": "other",
        "inputs": [
            {"name": "one", "point": "site/gw/a/level", "unit": "m"},
            {"name": "other", "point": "site/gw/c/level", "unit": "m"},
        ],
        "levels": [VOTE["levels"][0] | {"limit": 50}],
    }
    del document["clauses"]
    (made,) = several(document, HEADS).values()
    assert made.definition.kind == Deviation(input="one", reference="other")
    assert made.definition.rule.levels[0].limit == 0.5
    assert made.inputs == ((11, "one"), (13, "other"))


def test_points_of_a_kind_share_their_answer():
    lib = library(READY, attached=[attachment(1, "own.high", "DOMAIN", "7")])
    resolver = Resolver(lib)
    first, second = (resolver.holdings(place(f"site/gw/{each}/level")) for each in "ab")
    assert first is second
    near = library(
        READY,
        attached=[*lib.attached, attachment(2, None, "POINT", "site/gw/a/level", reason="r")],
    )
    resolver = Resolver(near)
    assert resolver.holdings(place("site/gw/a/level"))[0].rule is None
    assert resolver.holdings(place("site/gw/b/level"))[0].rule.id == "own.high"


FAR = attachment(1, "own.vote", "DOMAIN", "7", "own.vote")
OFFERED = {"name": "2", "colour": "red", "op": ">=", "limit": 2, "status": "S"}
OTHER = VOTE | {"id": "own.other", "family": "own.vote", "levels": [OFFERED]}


@pytest.mark.parametrize(
    ("nearer", "why"),
    [
        (OTHER, Why.UNCONFIRMED),
        (rule(confirmed(OTHER), retired=True), Why.RETIRED),
        (confirmed(OTHER | {"inputs": [{**OTHER["inputs"][0], "many": False}]}), Why.INPUTS),
        (TANK | {"id": "own.other", "family": "own.vote"}, Why.UNCONFIRMED),
    ],
)
def test_what_cannot_be_used_silences_no_rule_of_several_inputs(nearer, why):
    near = attachment(2, "own.other", "OBJECT", "site/tank-1", "own.vote")
    lib = library(confirmed(VOTE), nearer, attached=[FAR, near])
    (found,) = Resolver(lib).several(HEADS[:2])
    assert found.holding.rule.id == "own.vote"
    assert whys(found.holding) == [(2, why)]
    assert list(Resolver(lib).of_objects(HEADS[:2])) == ["site/tank-1:own.vote"]


@pytest.mark.parametrize("ended", [None, "own.other"])
def test_what_ends_a_family_or_stands_in_its_place_holds_on_objects_too(ended):
    near = attachment(2, ended, "OBJECT", "site/tank-1", "own.vote")
    single = confirmed(TANK | {"id": "own.other", "family": "own.vote"})
    lib = library(confirmed(VOTE), single, attached=[FAR, near])
    assert Resolver(lib).of_objects(HEADS[:2]) == {}
    (found,) = Resolver(lib).several(HEADS[:2])
    assert found.holding.attachment == near
    assert whys(found.holding) == [(1, Why.FARTHER)]


def test_a_figure_beyond_all_numbers_in_the_unit_of_the_place_stays_a_number():
    level = TANK["levels"][0] | {"limit": 1e308, "deadband": 1e308}
    made = body(confirmed(TANK | {"unit": "km", "levels": [level]}))
    found = fitted(made, [], place(unit="mm").target, "mm")
    assert [(each.limit, each.deadband) for each in found.levels] == [(1e308, 1e308)]
