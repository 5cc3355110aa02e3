"""The nearest attachment wins, and what it won over is told."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from protocols.alarms.attachment import Attachment, Scope, Target, chosen

POINT = Target(
    point="farm/gw/tank-1/level",
    site="farm",
    domain=7,
    quantity="tank_level",
    object="farm/tank-1",
    profile="example/tankfarm-modbus",
)
FAR = Attachment(
    id=1,
    family="tank-level-high",
    scope=Scope.DOMAIN,
    at="7",
    rule="default",
    quantities=frozenset({"tank_level"}),
)


def near(scope, rule="own", **more):
    return Attachment(
        id=2, family="tank-level-high", scope=scope, at=POINT.at(scope), rule=rule, **more
    )


def test_what_lies_nearer_wins_and_what_it_won_over_is_told():
    found = chosen([near(Scope.OBJECT), FAR, near(Scope.SITE, "site")], POINT)
    held = found["tank-level-high"]
    assert held.rule == "own"
    assert [each.scope for each in held.over] == [Scope.SITE, Scope.DOMAIN]


def test_a_rule_of_another_quantity_or_domain_is_not_meant():
    assert chosen([FAR], replace(POINT, quantity="tank_temp")) == {}
    assert chosen([FAR], replace(POINT, domain=8)) == {}


def test_an_attachment_without_a_rule_ends_the_family_there():
    held = chosen([FAR, near(Scope.POINT, None, reason="按设计无高限")], POINT)["tank-level-high"]
    assert held.rule is None
    assert held.winner.reason == "按设计无高限"


def test_of_two_that_lie_equally_near_the_younger_wins():
    old, new = near(Scope.SITE, "old", since=1), near(Scope.SITE, "new", since=2)
    assert chosen([new, old], POINT)["tank-level-high"].rule == "new"


def test_a_point_without_an_object_is_in_none():
    there = near(Scope.OBJECT)
    assert chosen([there], replace(POINT, object=None)) == {}


ATTACHMENTS = st.lists(
    st.builds(
        lambda id_, family, scope, own, rule, since: Attachment(
            id=id_,
            family=family,
            scope=scope,
            at=POINT.at(scope) if own else "elsewhere",
            rule=rule,
            since=since,
        ),
        st.integers(0, 1000),
        st.sampled_from(["a", "b"]),
        st.sampled_from(Scope),
        st.booleans(),
        st.sampled_from([None, "x", "y"]),
        st.integers(0, 3),
    ),
    unique_by=lambda each: each.id,
)


@given(ATTACHMENTS, st.randoms())
def test_the_order_they_are_given_in_does_not_matter(attachments, random):
    mixed = list(attachments)
    random.shuffle(mixed)
    assert chosen(mixed, POINT) == chosen(attachments, POINT)


@given(ATTACHMENTS)
def test_nothing_that_is_meant_is_lost_and_nothing_nearer_is_lost_to(attachments):
    found = chosen(attachments, POINT)
    for family, held in found.items():
        meant = [each for each in attachments if each.family == family and each.meets(POINT)]
        assert {held.winner, *held.over} == set(meant)
        assert all(held.winner.scope >= each.scope for each in held.over)
