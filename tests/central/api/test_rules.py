"""Rules over the API: who may, what is said of faults, and that what was done holds at once."""

import threading

import httpx2
import pytest

from central.api.app import create_app
from central.api.cables import Cables
from central.commands.run import furnish
from central.rules import importing, yaml_file
from protocols.clock import SystemClock
from tests.central.api.conftest import People
from tests.central.builders import Gateway, open_collector
from tests.central.rules.builders import TANK

PERCENT = TANK | {"unit": "%", "levels": [TANK["levels"][0] | {"limit": 70.0}]}
POINT = "site/gw/tank/level"


class Desk:
    """Somebody at the API of a collector with one gateway."""

    def __init__(self, client, headers):
        self.client = client
        self.headers = headers

    async def __call__(self, method, path, **more):
        answer = await self.client.request(method, f"/api/v1{path}", headers=self.headers, **more)
        return answer.status_code, answer.json() if answer.content else None


@pytest.fixture
async def house(tmp_path, clock):
    collector = await open_collector(tmp_path, clock)
    await collector.registry.add_gateway("gw")
    gateway = Gateway(clock)
    await gateway.register(collector, gateway.open())
    app = create_app(furnish(collector, Cables({})), with_demo=False)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False, client=("10.0.0.1", 5))
    people = People(collector.db, SystemClock())
    async with httpx2.AsyncClient(transport=transport, base_url="http://collector") as client:

        async def desk(role="engineer", scope=None):
            return Desk(client, await people.session(role, name=f"{role}-{scope}", scope=scope))

        yield collector, desk
    await collector.close()


@pytest.fixture
async def ask(house):
    return await house[1]()


async def make(ask, document=PERCENT):
    return await ask("POST", "/rules", json={"rule": document, "reason": "新建"})


async def confirm(ask, version=1, **level):
    asked = {"levels": [{"name": "H"} | level], "version": version, "reason": "已核定"}
    return await ask("POST", "/rules/own.high/confirm", json=asked)


async def attach(ask, **changed):
    asked = {"rule": "own.high", "scope": "point", "at": POINT, "reason": "试点"} | changed
    return await ask("POST", "/attachments", json=asked)


async def of_point(ask):
    _, found = await ask("GET", f"/points/{POINT}/rules")
    return {each["family"]: each for each in found["rules"]}


async def test_the_sets_are_listed_with_what_may_raise(ask):
    _, found = await ask("GET", "/threshold-sets")
    chemicals = next(each for each in found["sets"] if each["domain"] == 7)
    assert (chemicals["name"], chemicals["rules"], chemicals["active"]) == (
        "hazardous-chemicals",
        10,
        5,
    )
    _, rules = await ask("GET", "/rules", params={"origin": "hazardous-chemicals"})
    assert len(rules["items"]) == 10
    _, active = await ask("GET", "/rules", params={"domain": 7, "active": True})
    assert len(active["items"]) == 5


async def test_a_rule_from_its_making_to_its_retirement(ask):
    status, made = await make(ask)
    assert (status, made["active"], made["current"]["version"]) == (201, False, 1)
    status, confirmed = await confirm(ask)
    assert (status, confirmed["active"]) == (200, True)
    assert (await attach(ask))[0] == 201
    held = (await of_point(ask))["high"]
    assert (held["source"], held["rule"], held["version"]) == ("library", "own.high", 2)
    assert [each["limit"] for each in held["levels"]] == [70.0]
    assert held["levels"][0]["confirmed_by"] == "engineer-None"
    assert [(each["attachment"]["rule"], each["why"]) for each in held["passed_over"]] == [
        ("manifest", "farther")
    ]
    status, retired = await ask(
        "POST", "/rules/own.high/retire", json={"version": 2, "reason": "换新"}
    )
    assert (status, retired["current"]["retired"]) == (200, True)
    held = (await of_point(ask))["high"]
    assert (held["source"], held["passed_over"][0]["why"]) == ("manifest", "retired")
    _, detail = await ask("GET", "/rules/own.high")
    assert [each["version"] for each in detail["versions"]] == [3, 2, 1]
    assert [each["reason"] for each in detail["versions"]] == ["换新", "已核定", "新建"]


async def test_a_change_asks_for_the_version_that_was_looked_at(ask):
    await make(ask)
    await confirm(ask)
    higher = PERCENT | {"levels": [PERCENT["levels"][0] | {"limit": 75}]}
    asked = {"rule": higher, "version": 1, "reason": "调高"}
    status, said = await ask("PUT", "/rules/own.high", json=asked)
    assert (status, said["code"], said["params"]["version"]) == (409, "RULE_CHANGED_MEANWHILE", 2)
    status, changed = await ask("PUT", "/rules/own.high", json=asked | {"version": 2})
    assert (status, changed["active"], changed["current"]["version"]) == (200, False, 3)
    again = await ask("PUT", "/rules/own.high", json=asked | {"version": 3})
    assert (again[0], again[1]["code"]) == (409, "RULE_SAME")


async def test_whoever_changes_a_figure_may_answer_for_it_in_the_same_act(ask):
    await make(ask)
    await confirm(ask)
    mine = PERCENT["levels"][0] | {"limit": 75, "status": "S", "confirmed_by": "engineer-None"}
    asked = {"rule": PERCENT | {"levels": [mine]}, "version": 2, "reason": "调高"}
    status, changed = await ask("PUT", "/rules/own.high", json=asked)
    level = changed["current"]["rule"]["levels"][0]
    assert (status, changed["active"], level["confirmed_by"]) == (200, True, "engineer-None")
    other = mine | {"limit": 76, "confirmed_by": "somebody"}
    asked = {"rule": PERCENT | {"levels": [other]}, "version": 3, "reason": "代签"}
    status, said = await ask("PUT", "/rules/own.high", json=asked)
    assert (status, said["params"]["problems"][0]["code"]) == (422, "RULE_CONFIRMED_ELSEWHERE")


async def test_another_figure_than_the_sources_is_the_sites_own(ask):
    await make(ask)
    assert (await confirm(ask, limit=72.5))[1]["current"]["rule"]["levels"][0]["status"] == "S"
    _, kept = await ask("GET", "/rules/own.high")
    assert kept["versions"][1]["rule"]["levels"][0]["status"] == "D"


async def test_characters_nobody_sees_and_a_level_said_twice_are_refused(ask):
    status, said = await make(ask, PERCENT | {"label": {"zh": "a\x01b"}})
    problem = said["params"]["problems"][0]
    assert (status, problem["at"], problem["code"]) == (422, "label.zh", "TEXT_CONTROL")
    await make(ask)
    asked = {"levels": [{"name": "H"}, {"name": "H", "limit": 9}], "version": 1, "reason": "r"}
    status, said = await ask("POST", "/rules/own.high/confirm", json=asked)
    assert (status, said["params"]["problems"][0]["code"]) == (422, "RULE_TWICE")


@pytest.mark.parametrize("text", ["\u202eHH", "H\u200b", "H\u2028", "\x85", "\ufeffH"])
async def test_a_text_that_reads_otherwise_than_it_is_written_is_refused(ask, text):
    level = PERCENT["levels"][0] | {"name": text}
    _, said = await make(ask, PERCENT | {"levels": [level]})
    problem = said["params"]["problems"][0]
    assert (problem["at"], problem["code"]) == ("levels[0].name", "TEXT_CONTROL")
    asked = {"rule": None, "family": "high", "scope": "point", "at": POINT, "reason": f"撤{text}下"}
    _, said = await ask("POST", "/attachments", json=asked)
    assert said["params"]["problems"] == [{"at": "body.reason", "kind": "text_control"}]


async def test_nor_does_it_come_in_with_a_file(ask):
    level = PERCENT["levels"][0] | {"name": "\u202eHH"}
    text = yaml_file.write({"format": "v1", "rules": [PERCENT | {"levels": [level]}]})
    said = (await file(ask, "POST", text, faults="list")).json()
    (problem,) = said["params"]["problems"]
    assert (problem["at"], problem["code"]) == ("rules[0].levels[0].name", "TEXT_CONTROL")


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-10-15", "2026-04-15"), ("2026-10-15", "04-15"), ("04-15", "2026-10-15")],
)
async def test_a_season_without_a_day_is_refused(ask, first, last):
    season = {"valid_from": first, "valid_to": last}
    _, said = await make(ask, PERCENT | {"levels": [PERCENT["levels"][0] | season]})
    problem = said["params"]["problems"][0]
    assert (problem["at"], problem["code"]) == ("levels[0].valid_to", "SEASON_NO_DAY")
    figure = {"name": "flood_limit_level", "scope": "site", "at": "site", "value": 41.0}
    asked = figure | season | {"unit": "m", "reason": "r"}
    _, said = await ask("POST", "/named-levels", json=asked)
    assert [each["code"] for each in said["params"]["problems"]] == ["SEASON_NO_DAY"]


async def test_a_season_runs_over_the_new_year(ask):
    season = {"valid_from": "10-15", "valid_to": "04-15"}
    level = PERCENT["levels"][0] | season
    assert (await make(ask, PERCENT | {"levels": [level]}))[0] == 201


async def test_a_window_that_is_wrong_is_named_as_it_was_written(ask):
    window = {"kind": "window", "aggregate": "mean", "window": 0}
    _, said = await make(ask, PERCENT | window)
    assert [each["at"] for each in said["params"]["problems"]] == ["window"]


async def test_every_fault_of_a_rule_is_named(ask):
    wrong = PERCENT | {
        "quantity": ["tank_levle"],
        "sauce": 1,
        "levels": [
            {"name": "H", "colour": "amber", "op": ">=", "limit": 80, "status": "V"},
            {"name": "H", "colour": "red", "op": "<", "limit": "90", "status": "S"},
        ],
    }
    status, said = await make(ask, wrong)
    assert (status, said["code"]) == (422, "RULE_REFUSED")
    found = {(each["at"], each["code"]) for each in said["params"]["problems"]}
    assert found >= {
        ("quantity[0]", "VALUE_CHOICE"),
        ("sauce", "KEY_UNKNOWN"),
        ("levels[0].colour", "VALUE_CHOICE"),
        ("levels[0].status", "RULE_STATUS_V"),
        ("levels[1].name", "RULE_TWICE"),
        ("levels[1].limit", "TYPE_NUMBER"),
    }


async def test_nobody_confirms_for_somebody_else(ask):
    level = PERCENT["levels"][0] | {"confirmed_by": "王工", "confirmed_on": "2026-01-01"}
    status, said = await make(ask, PERCENT | {"levels": [level]})
    assert status == 422
    assert said["params"]["problems"][0]["code"] == "RULE_CONFIRMED_ELSEWHERE"


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"at": "site/gw/tank/none"}, 422, "ATTACHMENT_PLACE"),
        ({"at": "site/gw/tank/count", "scope": "object"}, 422, "ATTACHMENT_PLACE"),
        ({"scope": "domain", "at": "16"}, 422, "ATTACHMENT_PLACE"),
        ({"rule": "hazardous-chemicals.oxygen-low"}, 422, "ATTACHMENT_QUANTITY"),
        ({"rule": "urban-fire.tank-effective-volume"}, 422, "ATTACHMENT_UNIT"),
        ({"rule": None}, 422, "ATTACHMENT_FAMILY"),
    ],
)
async def test_a_rule_is_attached_only_where_it_fits(ask, changed, status, code):
    await make(ask)
    found, said = await attach(ask, **changed)
    assert (found, said["params"]["problems"][0]["code"]) == (status, code)


async def test_a_rule_that_is_not_there_and_an_attachment_that_is(ask):
    assert (await attach(ask))[1]["code"] == "RULE_UNKNOWN"
    await make(ask)
    _, made = await attach(ask)
    status, said = await attach(ask)
    assert (status, said["code"], said["params"]["id"]) == (409, "ATTACHMENT_SAME", made["id"])
    path = f"/attachments/{made['id']}/end"
    assert (await ask("POST", path, json={"reason": "撤下"}))[0] == 200
    assert (await ask("POST", path, json={"reason": "撤下"}))[0] == 404


async def test_a_family_is_ended_at_a_point_with_a_reason(ask):
    status, _ = await attach(ask, rule=None, family="high", reason="有机械限位")
    held = (await of_point(ask))["high"]
    assert (status, held["source"], held["attachment"]["reason"]) == (201, "ended", "有机械限位")
    assert (await of_point(ask))["low"]["source"] == "manifest"


async def test_a_points_own_limits_are_told_by_the_way_they_go(ask):
    held = await of_point(ask)
    assert {each["op"] for each in held["high"]["levels"]} == {">="}
    assert {each["op"] for each in held["low"]["levels"]} == {"<="}


async def test_a_figure_of_a_place_needs_a_rule_that_asks_for_it(ask):
    asked = {
        "name": "flood_limit_level",
        "scope": "site",
        "at": "site",
        "value": 41.0,
        "unit": "m",
        "valid_from": "04-15",
        "valid_to": "10-15",
        "clause": "3.1",
        "reason": "2026 年调度计划",
    }
    status, made = await ask("POST", "/named-levels", json=asked)
    assert (status, made["by"], made["value"]) == (201, "engineer-None", 41.0)
    status, said = await ask("POST", "/named-levels", json=asked)
    assert (status, said["code"], said["params"]["id"]) == (409, "NAMED_SAME", made["id"])
    wrong = asked | {"unit": "kPa", "valid_to": "10-32", "at": "nowhere"}
    _, said = await ask("POST", "/named-levels", json=wrong)
    assert [each["at"] for each in said["params"]["problems"]] == ["at", "unit", "valid_to"]
    _, said = await ask("POST", "/named-levels", json=asked | {"name": "none"})
    assert said["params"]["problems"][0]["code"] == "NAMED_UNUSED"
    end = f"/named-levels/{made['id']}/end"
    assert (await ask("POST", end, json={"reason": "作废"}))[1]["items"] == []
    _, every = await ask("GET", "/named-levels", params={"ended": True})
    assert every["items"][0]["ended_by"] == "engineer-None"


async def test_an_operator_reads_and_changes_nothing(house):
    ask = await house[1]("operator")
    assert (await ask("GET", "/rules"))[0] == 200
    assert (await make(ask))[0] == 403


async def test_who_sees_some_sites_changes_nothing_of_everyones(house):
    everyone = await house[1]()
    await make(everyone)
    ask = await house[1]("engineer", scope=("site",))
    assert (await make(ask))[0] == 403
    assert (await attach(ask))[0] == 201
    assert (await attach(ask, scope="domain", at="2"))[0] == 403
    other = await house[1]("engineer", scope=("elsewhere",))
    assert (await attach(other))[0] == 403
    assert (await other("GET", f"/points/{POINT}/rules"))[0] == 404
    assert (await other("GET", "/attachments"))[1]["items"][0]["scope"] == "domain"
    own = "/rules/" + (await ask("GET", "/attachments"))[1]["items"][0]["rule"]
    assert len((await ask("GET", own))[1]["attachments"]) == 1
    assert (await other("GET", own))[1]["attachments"] == []


async def file(ask, method, body=None, **query):
    return await ask.client.request(
        method, "/api/v1/rule-file", headers=ask.headers, content=body, params=query
    )


@pytest.mark.parametrize("form", ["xlsx", "yaml"])
async def test_a_file_goes_out_and_comes_in_without_a_change(ask, form):
    await make(ask)
    await confirm(ask)
    await attach(ask)
    out = await file(ask, "GET", format=form)
    assert out.status_code == 200
    back = await file(ask, "POST", out.content)
    assert (back.status_code, back.json()) == (
        200,
        {
            "dry_run": False,
            "created": [],
            "changed": [],
            "retired": [],
            "attached": 0,
            "named": 0,
            "unchanged": back.json()["unchanged"],
            "rules": [],
            "attachments": [],
            "named_levels": [],
        },
    )
    assert back.json()["unchanged"] > 150
    _, rule = await ask("GET", "/rules/own.high")
    assert rule["rule"]["current"]["version"] == 2


async def test_a_dry_run_says_what_would_be_done_and_does_nothing(ask):
    text = """\
format: v1
rules:
  - id: own.low
    label: {zh: 低液位}
    quantity: [tank_level]
    unit: "%"
    kind: limit
    source: 设计文件
    levels:
      - {name: L, colour: yellow, op: "<=", limit: 30.0, status: S, confirmed_by: engineer-None}
attachments:
  - {rule: own.low, scope: point, at: site/gw/tank/level, reason: 试点}
"""
    dry = (await file(ask, "POST", text, dry_run=True)).json()
    assert (dry["created"], dry["attached"]) == (["own.low"], 1)
    assert [each["levels"][0]["limit"] for each in dry["rules"]] == [30.0]
    assert [(each["rule"], each["at"]) for each in dry["attachments"]] == [("own.low", POINT)]
    assert (await ask("GET", "/rules/own.low"))[0] == 404
    real = await file(ask, "POST", text)
    assert real.json() == dry | {"dry_run": False}
    held = (await of_point(ask))["low"]
    assert (held["source"], held["levels"][0]["limit"]) == ("library", 30.0)
    assert held["levels"][0]["confirmed_by"] == "engineer-None"


async def test_a_file_with_faults_comes_back_with_them(ask):
    text = "format: v1\nrules:\n  - {id: own.x, label: {zh: x}, kind: limits}\n"
    back = await file(ask, "POST", text)
    assert back.status_code == 422
    assert back.text.count("# ✗ ") == int(back.headers["fengsui-faults"]) == 3
    assert "limits" in back.text
    alone = await file(ask, "POST", text, faults="list", dry_run=True)
    said = alone.json()
    assert (alone.status_code, said["code"], said["params"]["count"]) == (422, "RULES_FILE", 3)
    shown = [(each["line"], each["at"], each["code"]) for each in said["params"]["problems"]]
    assert (3, "rules[0].kind", "VALUE_CHOICE") in shown
    none = await file(ask, "POST", b"PK nothing")
    assert (none.status_code, none.json()["code"]) == (422, "RULES_FILE_FORMAT")


async def test_a_large_file_holds_up_nobody(ask, monkeypatch):
    read, threads = importing.sheets.read, []

    def noted(data):
        threads.append(threading.get_ident())
        return read(data)

    monkeypatch.setattr(importing.sheets, "read", noted)
    written = (await file(ask, "GET", format="xlsx")).content
    assert (await file(ask, "POST", written)).json()["unchanged"] > 150
    assert threads != [threading.get_ident()]


async def test_a_file_changes_only_what_it_was_held_against(ask, house, monkeypatch):
    await make(ask)
    text = yaml_file.write(
        {"format": "v1", "rules": [PERCENT | {"levels": [PERCENT["levels"][0] | {"limit": 71}]}]}
    )
    act = house[0].rules.act

    async def later(work):
        monkeypatch.undo()
        assert (await confirm(ask))[0] == 200
        return await act(work)

    monkeypatch.setattr(house[0].rules, "act", later)
    answer = await file(ask, "POST", text)
    said = answer.json()
    assert (answer.status_code, said["code"]) == (409, "RULE_CHANGED_MEANWHILE")
    assert said["params"]["by"] == "engineer-None"


async def test_a_file_may_come_before_its_places_are_connected(ask):
    text = """\
format: v1
rules:
  - id: own.early
    label: {zh: 低液位}
    quantity: [tank_level]
    unit: "%"
    source: 设计文件
    levels: [{name: L, colour: yellow, op: "<=", limit: 30.0, status: S}]
attachments:
  - {rule: own.early, scope: object, at: elsewhere/tank-9, reason: 网关下周接入}
"""
    refused = await file(ask, "POST", text)
    assert refused.status_code == 422
    assert "elsewhere/tank-9" in refused.text
    taken = await file(ask, "POST", text, ahead=True)
    assert taken.json()["created"] == ["own.early"]
    items = (await ask("GET", "/attachments"))[1]["items"]
    assert [each["at"] for each in items if each["rule"] == "own.early"] == ["elsewhere/tank-9"]
    wrong = await file(ask, "POST", text.replace("30.0", "much"), ahead=True)
    assert wrong.status_code == 422
