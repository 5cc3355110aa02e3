"""Whatever changes in the library, the engine has what follows at once, and after a start."""

from functools import partial

import pytest

from central.rules import acts, records
from central.rules.acts import Confirming, RuleConflict, RuleRefused, Who
from central.rules.rulebook import UNSETTLED
from protocols.alarms.attachment import Attachment, Scope
from tests.central.alarms.story import Story
from tests.central.builders import HIGH, PointSpec, manifest
from tests.central.rules.builders import TANK, body, named

WHO = Who("李工", 1_781_272_800_000_000, "核定")
PERCENT = TANK | {"unit": "%", "levels": [TANK["levels"][0] | {"limit": 70.0}]}
UNKNOWN = {
    "name": "汛限",
    "colour": "blue",
    "op": ">=",
    "limit": None,
    "named": "x",
    "status": "S",
}
POINT = "site/gw/tank/level"


@pytest.fixture
async def story(tmp_path, clock):
    told = await Story.begin(tmp_path, clock)
    yield told
    await told.collector.close()


async def do(story, work, *args):
    return await story.collector.rules.act(lambda tables, library: work(tables, library, *args))


async def create(story, document):
    await do(story, acts.create, body(document), WHO, ())


async def confirm(story, id_="own.high", *levels):
    asked = levels or [Confirming("H")]
    await do(story, acts.confirm, id_, asked, WHO, None)


async def attach(story, rule, scope="POINT", at=POINT, family="high", since=1):
    each = Attachment(
        id=0,
        family=family,
        scope=Scope[scope],
        at=at,
        rule=rule,
        since=since,
        by="李工",
        reason="r",
    )
    return await do(story, acts.attach, each)


async def detach(story, number):
    await story.collector.rules.act(lambda tables, _: acts.detach(tables, number, WHO))


async def rules(story):
    """What the engine has: id and source of those that judge."""
    rows = await story.collector.db.read(
        lambda conn: conn.execute("SELECT id, source FROM rule WHERE active ORDER BY id").fetchall()
    )
    return dict(rows)


async def test_a_confirmed_rule_on_a_point_raises_at_once(story):
    await story.at(0, 75.0)
    await create(story, PERCENT)
    await attach(story, "own.high")
    await story.is_("NORMAL")
    await confirm(story)
    await story.is_("UNACK", "H")
    assert (await rules(story))[f"{POINT}:high"] == "library"
    assert (await story.one()).level.limit == 70.0


async def test_where_it_ends_the_manifests_own_limits_are_back(story):
    await story.at(0, 85.0)
    await create(story, PERCENT)
    await confirm(story)
    number = await attach(story, "own.high")
    assert [level.limit for level in story.collector.alarms.ladder(f"{POINT}:high")] == [70.0]
    await detach(story, number)
    assert (await rules(story))[f"{POINT}:high"] == "manifest:gw"
    assert [level.limit for level in story.collector.alarms.ladder(f"{POINT}:high")] == [80.0, 90.0]
    await story.is_("UNACK", "H")


async def test_a_family_that_was_ended_lets_its_alarm_return(story):
    await story.at(0, 85.0)
    await story.is_("UNACK", "H")
    number = await attach(story, None)
    await story.is_("RTN_UNACK")
    assert f"{POINT}:high" not in await rules(story)
    await story.at(1, 95.0)
    await story.is_("RTN_UNACK")
    await detach(story, number)
    await story.is_("UNACK", "HH")


async def test_a_restart_has_the_same(story, tmp_path):
    await create(story, PERCENT)
    await confirm(story)
    await attach(story, "own.high")
    before = await rules(story)
    await story.reopen(tmp_path)
    assert await rules(story) == before
    await story.at(1, 75.0)
    await story.is_("UNACK", "H")


async def test_what_a_collector_had_no_time_for_is_done_at_its_start(story, tmp_path):
    await story.at(0, 85.0)
    number = await attach(story, None)
    await story.is_("RTN_UNACK")

    def undone(tables):
        records.end(tables, "rule_attachment", number, (1, "李工", "r"))
        tables.execute("INSERT INTO collector(key, value) VALUES (?, '1')", [UNSETTLED])

    await story.collector.db.write(undone)
    await story.reopen(tmp_path)
    assert (await rules(story))[f"{POINT}:high"] == "manifest:gw"
    await story.is_("UNACK", "H")


async def test_a_new_manifest_does_not_disturb_what_stands(story):
    await create(story, PERCENT)
    await confirm(story)
    await attach(story, "own.high")
    await story.at(0, 75.0)
    before = await story.journal()
    points = (*story.gateway.points, PointSpec("other", decimals=2, limits=HIGH))
    story.gateway.points, story.gateway.manifest = points, manifest("gw", points)
    stream = story.gateway.open()
    await story.gateway.register(story.collector, stream)
    assert await story.journal() == before
    found = await rules(story)
    assert found[f"{POINT}:high"] == "library"
    assert found["site/gw/tank/other:high"] == "manifest:gw"


async def test_a_rule_for_a_site_holds_for_points_that_come_later(story):
    await create(story, PERCENT)
    await confirm(story)
    await attach(story, "own.high", "SITE", "site")
    points = (*story.gateway.points, PointSpec("bare", decimals=2))
    story.gateway.points, story.gateway.manifest = points, manifest("gw", points)
    await story.gateway.register(story.collector, story.gateway.open())
    found = await rules(story)
    assert found["site/gw/tank/bare:high"] == "library"
    assert found[f"{POINT}:high"] == "manifest:gw"


async def test_a_change_is_a_version_and_is_judged_at_once(story):
    await create(story, PERCENT)
    await confirm(story)
    await attach(story, "own.high")
    await story.at(0, 75.0)
    own = story.collector.rules.library.rules["own.high"].body
    higher = PERCENT | {"levels": [PERCENT["levels"][0] | {"limit": 78.0}]}
    new = acts.read_new(higher, own)
    await do(story, acts.change, new, WHO, 2)
    # Another figure than the one somebody answered for: it holds nowhere until it is confirmed.
    await story.is_("RTN_UNACK")
    assert (await rules(story))[f"{POINT}:high"] == "manifest:gw"
    await confirm(story)
    versions = await story.collector.db.read(partial(records.versions, rule="own.high"))
    assert [(each.number, each.made_by) for each in versions] == [
        (each, "李工") for each in (4, 3, 2, 1)
    ]


async def test_two_who_change_at_once_are_told(story):
    await create(story, PERCENT)
    await confirm(story)
    with pytest.raises(RuleConflict) as conflict:
        await do(story, acts.confirm, "own.high", [Confirming("H", 71.0)], WHO, 1)
    assert conflict.value.code == "RULE_CHANGED_MEANWHILE"
    assert (conflict.value.params["by"], conflict.value.params["version"]) == ("李工", 2)


async def test_nothing_is_confirmed_without_a_figure(story):
    await create(story, PERCENT | {"levels": [UNKNOWN]})
    with pytest.raises(RuleRefused) as refused:
        await confirm(story, "own.high", Confirming("汛限"))
    (problem,) = refused.value.problems
    assert (problem.code, problem.key) == ("RULE_FIGURE_MISSING", "levels[0].limit")
    await confirm(story, "own.high", Confirming("汛限", 60.0))
    assert story.collector.rules.library.rules["own.high"].active


async def test_a_named_level_of_a_site_raises(story):
    await create(story, PERCENT | {"levels": [UNKNOWN]})
    await attach(story, "own.high")
    await story.at(0, 65.0)
    figure = named(0, 60.0, unit="%", scope="SITE", at="site", name="x")
    await story.collector.rules.act(lambda *known: acts.name_level(*known, figure))
    await story.is_("UNACK", "汛限")


async def test_the_shipped_sets_are_offered_once(story, tmp_path):
    shipped = story.collector.rules.library
    assert len(shipped.rules) == 92
    assert all(each.version.number == 1 for each in shipped.rules.values())
    await story.reopen(tmp_path)
    assert story.collector.rules.library == shipped
    assert shipped.rules["hazardous-chemicals.gas-combustible"].active
    assert not shipped.rules["hazardous-chemicals.tank-level-high"].active


async def test_acts_are_in_the_audit(story):
    await create(story, PERCENT)
    await confirm(story)
    await attach(story, "own.high")
    lines = await story.collector.db.read(
        lambda conn: conn.execute("SELECT actor, action, subject FROM audit ORDER BY id").fetchall()
    )
    assert lines[-3:] == [
        ("李工", "RULE_CREATED", "rule/own.high"),
        ("李工", "RULE_CONFIRMED", "rule/own.high"),
        ("李工", "RULE_ATTACHED", lines[-1][2]),
    ]


async def test_a_rule_of_the_library_rests_while_one_it_names_stands(story, tmp_path):
    smoke = "site/gw/tank/smoke:state"
    await create(story, PERCENT | {"suppressed_by": [smoke]})
    await confirm(story)
    await attach(story, "own.high")
    await story.at(0, 1.0, point="smoke")
    await story.at(10, 75.0)
    rule = f"{POINT}:high"
    assert [each.rule for each in story.collector.alarms.overlays()] == [rule]
    await story.reopen(tmp_path)
    await story.at(20, 0.0, point="smoke")
    (episode,) = [each for each in await story.episodes("open") if each.rule == rule]
    assert story.collector.alarms.overlays() == []
    assert [word for _, word in await story.journal(episode.id)] == ["RAISE:H"]
