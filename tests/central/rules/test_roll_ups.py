"""Roll-ups over the points of an object: each quantity apart, each colour apart, at once."""

from types import SimpleNamespace

import pytest

from central.api.rule_shape import point_rules
from central.guidance.rule_sets import document_of
from central.rules import sheets, yaml_file
from central.rules.acts import Who
from central.rules.exchange import plan, whole
from central.rules.meant import Why
from central.rules.reading import read_body
from central.rules.resolving import Resolver
from protocols.alarms.document_fields import Faults
from protocols.alarms.kinds.several import Levels
from protocols.alarms.rule import Colour
from protocols.alarms.wording import tell
from protocols.device import Bus, Device, Point
from protocols.profile import MqttAddress, ProfilePoint
from protocols.wire.manifest import encode_manifest
from protocols.wire.rule_set import decode_rules
from protocols.words import Label, PointId
from tests.central.alarms.story import Story
from tests.central.builders import PointSpec, level
from tests.central.rules.builders import TANK, attachment, confirmed, library, place
from tests.central.rules.test_rulebook import WHO, attach, confirm, create, detach

SHIPPED = "non-coal-mines.roll-up-points"
ROLLED = f"site/pond:{SHIPPED}.ground_displacement"
POND = "site/pond"
COLOURS = tuple(level(colour.name, 10.0 * colour, colour=colour, deadband=1.0) for colour in Colour)
BLUE, YELLOW, ORANGE, CALM = 15.0, 25.0, 35.0, 1.0

OWN = {
    "id": "own.roll-up",
    "label": {"zh": "多点叠加"},
    "kind": "levels",
    "source": "本地规定",
    "levels": [
        {"name": "2", "colour": "orange", "op": ">=", "limit": 2, "counts": "yellow", "status": "S"}
    ],
}
SILENT = TANK | {
    "id": "own.silent",
    "kind": "stale",
    "family": "silent",
    "levels": [{"name": "5", "colour": "blue", "op": ">=", "limit": 300, "status": "D"}],
}


def rolled(points, *more, scope="OBJECT", at="site/tank-1", own=None, rules=()):
    on = attachment(9, "own.roll-up", scope, at, family="own.roll-up")
    lib = library(own or confirmed(OWN), *rules, attached=[on, *more])
    return Resolver(lib), points


def ladder(name, number, quantity="tank_level", **more):
    return place(f"site/gw/{name}/level", number=number, quantity=quantity, own=["high"], **more)


def held(resolver, points):
    return {each.holding.name: each.holding for each in resolver.several(points)}


@pytest.mark.parametrize(
    ("scope", "at"), [("OBJECT", "site/tank-1"), ("SITE", "site"), ("DOMAIN", "7")]
)
def test_it_counts_the_points_of_each_quantity_of_each_object(scope, at):
    points = [
        *(ladder("a", 1), ladder("b", 2), ladder("c", 3, "tank_temperature")),
        *(ladder("d", 4, object="site/tank-2"), place("site/gw/bare/level", number=5)),
    ]
    resolver, _ = rolled(points, scope=scope, at=at)
    wanted = resolver.of_objects(points)
    here = {
        "site/tank-1:own.roll-up.tank_level": ["a", "b"],
        "site/tank-1:own.roll-up.tank_temperature": ["c"],
    }
    far = {"site/tank-2:own.roll-up.tank_level": ["d"]}
    assert {id_: each.inputs for id_, each in wanted.items()} == {
        id_: tuple((0, f"site/gw/{name}/level:high") for name in names)
        for id_, names in (here if scope == "OBJECT" else here | far).items()
    }
    kinds = {each.definition.kind for each in wanted.values()}
    assert kinds == {Levels(counts=(Colour.YELLOW,), by_point=True)}


def test_the_librarys_rules_are_counted_and_what_watches_the_data_is_not():
    on = [
        attachment(1, "own.high", "SITE", "site"),
        attachment(2, "own.silent", "SITE", "site", family="silent"),
    ]
    rules = (confirmed(TANK), confirmed(SILENT))
    resolver, points = rolled([place("site/gw/a/level")], *on, rules=rules)
    (made,) = resolver.of_objects(points).values()
    assert made.inputs == ((0, "site/gw/a/level:high"),)
    without, points = rolled(points, on[1], rules=rules)
    assert without.of_objects(points) == {}
    assert [each.why for each in held(without, points)["own.roll-up.tank_level"].passed] == [
        Why.INPUTS
    ]


def test_one_that_nobody_confirmed_is_passed_over_and_silences_none():
    far = attachment(8, "own.farther", "SITE", "site", family="own.roll-up")
    farther = confirmed(OWN | {"id": "own.farther", "family": "own.roll-up"})
    resolver, points = rolled([ladder("a", 1)], far, own=OWN, rules=(farther,))
    found = held(resolver, points)["own.roll-up.tank_level"]
    assert found.rule.id == "own.farther"
    assert [(each.attachment.id, each.why) for each in found.passed] == [(9, Why.UNCONFIRMED)]


def test_it_may_be_for_some_quantities_and_end_for_one():
    end = attachment(
        10, None, "OBJECT", "site/tank-1", "own.roll-up", quantities=frozenset({"tank_level"})
    )
    points = [ladder("a", 1), ladder("c", 3, "tank_temperature")]
    resolver, _ = rolled(points, end)
    assert [*resolver.of_objects(points)] == ["site/tank-1:own.roll-up.tank_temperature"]
    assert held(resolver, points)["own.roll-up.tank_level"].attachment == end
    few = confirmed(OWN | {"quantity": ["tank_level"]})
    assert [*rolled(points, own=few)[0].of_objects(points)] == [
        "site/tank-1:own.roll-up.tank_level"
    ]


def test_of_a_point_the_roll_up_of_its_quantity_is_told():
    points = [ladder("a", 1), ladder("c", 3, "tank_temperature")]
    resolver, _ = rolled(points)
    told = point_rules(points[1], COLOURS, resolver, points).rules
    assert [(each.family, each.engine_rule) for each in told] == [
        ("high", "site/gw/c/level:high"),
        ("own.roll-up", "site/tank-1:own.roll-up.tank_temperature"),
    ]
    assert [each["counts"] for each in told[1].levels] == ["yellow"]


@pytest.mark.parametrize("form", [yaml_file, sheets])
def test_it_comes_back_from_a_file_as_it_was(form):
    on = attachment(1, "own.roll-up", "SITE", "site", family="own.roll-up")
    lib = library(confirmed(OWN), attached=[on])
    source = form.read(form.write(whole(lib)))
    read = source.data if form is yaml_file else source.document
    made = plan(read, lib, [ladder("a", 1)], Who("李工", 1, "导入"), [])
    assert (list(made.problems), made.empty, made.unchanged) == ([], True, 2)
    (offer,) = plan(read, library(), [ladder("a", 1)], WHO, []).create[0].levels
    assert offer.counts == "yellow"


def test_only_a_roll_up_counts_colours():
    faults = Faults()
    levels = [TANK["levels"][0] | {"counts": "blue"}]
    read_body(TANK | {"levels": levels}, "", faults)
    assert [(each.key, each.code) for each in faults.kept] == [("levels[0].counts", "KEY_NEEDLESS")]


@pytest.fixture
async def pond(tmp_path, clock):
    """Five points of displacement on a pond; the fifth has no limits of its own."""
    story = await Story.begin(tmp_path, clock)
    specs = tuple(
        PointSpec(name, decimals=1, limits=() if name == "e" else COLOURS) for name in "abcde"
    )
    story.gateway.points, story.gateway.manifest = specs, _manifest(specs)
    story.stream = story.gateway.open()
    await story.gateway.register(story.collector, story.stream)
    yield story
    await story.collector.close()


def _manifest(specs):
    sheets = [
        ProfilePoint(
            name=spec.name,
            label=Label("位移"),
            quantity="ground_displacement",
            unit="mm",
            address=MqttAddress(topic=spec.name),
            type="float",
            decimals=1,
        )
        for spec in specs
    ]
    points = tuple(
        Point(
            index=index,
            id=PointId("site", "gw", "gnss", sheet.name),
            sheet=sheet,
            label=sheet.label,
            object="pond",
            limits=spec.limits,
        )
        for index, (sheet, spec) in enumerate(zip(sheets, specs, strict=True))
    )
    label = Label("示例", "Example")
    gnss = Device(site="site", name="gnss", label=label, profile="example/x", points=points, scan=1)
    where = {"region": "441523", "domain": "non_coal_mines", "longitude": 115.6, "latitude": 23.2}
    site = SimpleNamespace(name="site", label=label, **where)
    thing = SimpleNamespace(site="site", name="pond", kind="tailings_pond", label=label)
    bus = Bus(name="bus", protocol="mqtt", devices=(gnss,))
    return encode_manifest("gw", label, [site], [thing], [bus])


async def say(story, second, value, names):
    for name in names:
        await story.at(second, value, point=name)


async def told(story):
    """What the roll-up's episode went through, in seconds."""
    found = [each for each in await story.episodes() if each.rule == ROLLED]
    return [line for each in found for line in await story.journal(each.id)]


async def test_the_shipped_one_rises_with_its_points_and_returns_with_them(pond, tmp_path):
    await attach(pond, SHIPPED, "OBJECT", POND, family=SHIPPED)
    await say(pond, 0, BLUE, "abc")
    assert await told(pond) == []
    await say(pond, 10, BLUE, "d")
    assert (await told(pond)) == [[10, "RAISE:4 个蓝色"]]
    await pond.reopen(tmp_path)
    await say(pond, 20, YELLOW, "abc")
    await say(pond, 30, ORANGE, "ab")
    await say(pond, 40, YELLOW, "b")
    await say(pond, 50, BLUE, "bc")
    await say(pond, 60, CALM, "d")
    words = [line for line in await told(pond) if line[1].startswith(("RAISE", "LEVEL", "RTN"))]
    assert words == [
        *([10, "RAISE:4 个蓝色"], [20, "LEVEL:3 个黄色"], [30, "LEVEL:2 个橙色"]),
        *([40, "LEVEL:3 个黄色"], [50, "LEVEL:4 个蓝色"], [60, "RTN"]),
    ]


async def test_the_gateway_is_told_to_judge_it_too(pond):
    await attach(pond, SHIPPED, "OBJECT", POND, family=SHIPPED)
    rules, entry = pond.collector.rules, pond.collector.registry.entry("gw")
    (found,) = decode_rules(document_of(entry, rules.resolved("gw"), rules.objects)).rules
    assert found.definition.rule.id == ROLLED
    assert found.definition.kind == Levels(
        counts=(Colour.BLUE, Colour.YELLOW, Colour.ORANGE), by_point=True
    )
    assert found.inputs == tuple(("", f"site/gw/gnss/{name}:high") for name in "abcd")
    many = {ROLLED: rules.objects[ROLLED]._replace(inputs=rules.objects[ROLLED].inputs * 65)}
    document = document_of(entry, rules.resolved("gw"), many)
    assert decode_rules(document).rules == (), "more inputs than a document may bring"


async def test_what_stands_when_it_is_attached_counts_at_once(pond):
    await say(pond, 0, BLUE, "abcd")
    number = await attach(pond, SHIPPED, "DOMAIN", "8", family=SHIPPED)
    assert await told(pond) == [[0, "RAISE:4 个蓝色"]]
    await detach(pond, number)
    assert (await told(pond))[-1][1].startswith("RTN")


async def test_a_rule_that_comes_or_goes_at_a_point_counts_at_once(pond):
    await attach(pond, SHIPPED, "SITE", "site", family=SHIPPED)
    await say(pond, 0, BLUE, "abce")
    assert await told(pond) == []
    levels = [TANK["levels"][0] | {"colour": "blue", "limit": 10.0}]
    own = TANK | {"quantity": ["ground_displacement"], "unit": "mm", "levels": levels}
    await create(pond, own)
    number = await attach(pond, "own.high", "POINT", "site/gw/gnss/e")
    assert await told(pond) == []
    await confirm(pond)
    assert (await told(pond))[-1] == [0, "RAISE:4 个蓝色"]
    shown = next(each for each in await pond.episodes() if each.rule == ROLLED)
    assert (shown.label.zh, shown.label.en) == ("示例 地表位移", "Example ground displacement")
    assert "示例 地表位移 4 处，" in tell(shown.told, pond.clock.now())
    pond.until(10)
    await detach(pond, number)
    assert (await told(pond))[-1][1].startswith("RTN")
    await say(pond, 20, BLUE, "d")
    assert (await told(pond))[-1] == [20, "RERAISE:4 个蓝色"]


async def test_a_point_whose_manifest_brings_limits_counts_at_once(pond):
    await attach(pond, SHIPPED, "SITE", "site", family=SHIPPED)
    await say(pond, 0, BLUE, "abce")
    assert await told(pond) == []
    specs = tuple(PointSpec(name, decimals=1, limits=COLOURS) for name in "abcde")
    pond.gateway.points, pond.gateway.manifest = specs, _manifest(specs)
    pond.stream = pond.gateway.open()
    pond.until(5)
    await pond.gateway.register(pond.collector, pond.stream)
    assert (await told(pond))[-1] == [5, "RAISE:4 个蓝色"]
    await say(pond, 10, CALM, "e")
    assert (await told(pond))[-1] == [10, "RTN"]
