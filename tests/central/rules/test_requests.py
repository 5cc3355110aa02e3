"""What a rule asks people to do: its own words, by level, in files, in sentences, in versions."""

import pytest

from central.rules import acts, sheets, yaml_file
from central.rules.exchange import plan, whole
from central.rules.figures import fitted
from central.rules.reading import body_document, read_body
from protocols.alarms.document import REQUEST, from_document, to_document
from protocols.alarms.document_fields import Faults
from protocols.alarms.wording import tell
from protocols.words import Label
from tests.central.alarms.story import Story
from tests.central.rules.builders import TANK, body, confirmed, library, named, place
from tests.central.rules.test_rulebook import PERCENT, POINT, WHO, attach, confirm, create, do

STOP = {"zh": "请立即停止进料，关闭进料阀。", "en": "Stop filling and close the inlet valve."}
READY = {"zh": "请核对液位，准备停止进料。"}
OWN = TANK | {
    "request": READY,
    "levels": [TANK["levels"][0], TANK["levels"][1] | {"request": STOP}],
}


@pytest.fixture
async def story(tmp_path, clock):
    told = await Story.begin(tmp_path, clock)
    yield told
    await told.collector.close()


def test_a_levels_own_goes_before_the_rules():
    made = fitted(body(confirmed(OWN)), (), place().target, "m")
    assert dict(made.requests) == {"H": Label(READY["zh"]), "HH": Label(**STOP)}
    assert fitted(body(confirmed(TANK)), (), place().target, "m").requests == ()


def test_a_level_that_a_place_names_by_season_keeps_it():
    level = TANK["levels"][0] | {"limit": None, "named": "flood_limit_level", "status": "S"}
    rule = body(OWN | {"levels": [level]})
    seasons = [
        named(1, 5.0, valid_from="04-15", valid_to="06-30"),
        named(2, 6.0, valid_from="07-01", valid_to="10-15"),
    ]
    made = fitted(rule, seasons, place().target, "m")
    assert len(made.requests) == 2
    assert [name for name, _ in made.requests] == [level.name for level in made.levels]


def test_it_comes_back_from_yaml_and_a_workbook_as_it_went():
    known = library(confirmed(OWN))
    document = whole(known)
    assert document["rules"][0]["levels"][1]["request"] == STOP
    assert yaml_file.read(yaml_file.write(document)).data == document
    found = sheets.read(sheets.write(document))
    assert found.problems == []
    made = plan(found.document, known, [place()], WHO, ["flood"])
    assert (made.problems, made.empty) == ([], True)


def test_it_comes_back_from_its_document():
    rule = body(confirmed(OWN))
    assert body(body_document(rule)) == rule


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"zh": "停" * (REQUEST["zh"] + 1)}, "TEXT_LENGTH"),
        ({"zh": "停", "en": "s" * (REQUEST["en"] + 1)}, "TEXT_LENGTH"),
        ({"zh": "请停止进料\n请关阀"}, "RULE_REQUEST"),
        ({"zh": " 请停止进料"}, "RULE_REQUEST"),
        ({"zh": "请立即停止进料！"}, "RULE_REQUEST"),
        ({"zh": "【紧急】停止进料"}, "RULE_REQUEST"),
        ({"zh": "请停止 {place}"}, "RULE_REQUEST"),
        ({"en": "Stop filling."}, "KEY_MISSING"),
        ({"zh": 5}, "TYPE_TEXT"),
        (7, "TYPE_MAPPING"),
    ],
)
def test_what_is_no_plain_line_is_refused_where_it_stands(request_, code):
    for at, document in (
        ("request", TANK | {"request": request_}),
        (
            "levels[1].request",
            TANK | {"levels": [TANK["levels"][0], TANK["levels"][1] | {"request": request_}]},
        ),
    ):
        faults = Faults()
        read_body(document, "", faults)
        assert [each.code for each in faults.kept] == [code]
        assert faults.kept[0].key.startswith(at)


async def test_people_are_told_it_instead_of_the_general_request(story):
    levels = [PERCENT["levels"][0] | {"request": STOP}]
    await create(story, PERCENT | {"levels": levels})
    await confirm(story)
    await attach(story, "own.high")
    await story.at(0, 75.0)
    told = (await story.one()).told
    assert tell(told, story.clock.now()).endswith(f"。{STOP['zh']}")
    assert tell(told, story.clock.now(), "en").endswith(f". {STOP['en']}")


async def test_other_words_are_another_version_and_cost_no_confirmation(story):
    await create(story, PERCENT)
    await confirm(story)
    await attach(story, "own.high")
    await story.at(0, 75.0)
    rule = story.collector.rules.library.rules["own.high"]
    changed = body_document(rule.body) | {"request": READY}
    faults = Faults()
    made = acts.answered(body(changed), rule.body, None, faults, "levels")
    assert faults.count == 0
    await do(story, acts.change, made, WHO, rule.version.number)
    after = story.collector.rules.library.rules["own.high"]
    assert after.version.number == rule.version.number + 1
    assert after.body.levels[0].active
    episode = await story.one()
    assert episode.state == "UNACK"
    assert tell(episode.told, story.clock.now()).endswith(READY["zh"])


def test_a_levels_own_words_change_and_its_confirmation_stays():
    before = body(confirmed(OWN))
    levels = [each | {} for each in body_document(before)["levels"]]
    levels[1]["request"] = READY
    for level in levels:
        del level["confirmed_by"], level["confirmed_on"]
    faults = Faults()
    made = acts.answered(body(OWN | {"levels": levels}), before, None, faults, "levels")
    assert faults.count == 0
    assert [offer.active for offer in made.levels] == [True, True]
    assert made.levels[1].request == Label(READY["zh"])


async def test_a_restart_tells_the_same(story, tmp_path):
    await create(story, PERCENT | {"request": STOP})
    await confirm(story)
    await attach(story, "own.high")
    await story.at(0, 75.0)
    before = tell((await story.one()).told, story.clock.now())
    await story.reopen(tmp_path)
    assert tell((await story.one()).told, story.clock.now()) == before
    tracked = await story.collector.db.write(
        lambda tables: story.collector._engine.tracked(tables.conn, f"{POINT}:high")
    )
    assert tracked.plain
    assert from_document(to_document(tracked.definition)) == tracked.definition
