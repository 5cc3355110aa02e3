"""Six hundred alarms before one operator, and the acts few alarms ask for, in a real browser."""

import re

import pytest

from tests.end_to_end.test_demo import watched

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SITE, MANY, PAGE = "many-tanks", 600, 200
RED, ORANGE = 10, 30
LATCHED = f"{SITE}/many/tk-0/latched"
RULE = {
    "id": "own.latched",
    "label": {"zh": "超压锁存", "en": "Overpressure, latched"},
    "quantity": ["tank_pressure"],
    "unit": "MPa",
    "latching": True,
    "source": "设计文件",
    "levels": [
        {"name": "HH", "colour": "orange", "op": ">=", "limit": 1.4, "status": "S"}
        | {"confirmed_by": "chief"}
    ],
}
NEW = {"name": "many", "sites": [SITE], "offline_after_s": 86_400}
VERDICTS = ("属实", "误报", "仪表故障", "报备内", "测试")


def level(number):
    colour = "red" if number < RED else "orange" if number < RED + ORANGE else "blue"
    figures = {"name": "H", "colour": colour, "op": ">=", "limit": 13.2, "deadband": 0.1}
    return figures | {"source": "设计文件", "status": "S", "confirmed_by": "张工"}


def points():
    tank = {"site": SITE, "quantity": "tank_level", "unit": "m", "low": 0, "high": 15}
    found = [
        tank
        | {"device": "tk-0", "name": f"l{at}", "label": f"{at} 号罐液位", "limits": [level(at)]}
        for at in range(MANY)
    ]
    pressure = {
        "name": "latched",
        "label": "安全阀压力",
        "quantity": "tank_pressure",
        "unit": "MPa",
    }
    found.append(tank | {"device": "tk-0", **pressure, "low": 0, "high": 3})
    site = {"name": SITE, "label": "示例大罐区", "region": "441523"}
    return {
        "label": {"zh": "示例企业 DCS", "en": "Example DCS"},
        "sites": [site | {"domain": "hazardous_chemicals"}],
        "devices": [{"site": SITE, "name": "tk-0", "label": "大罐区"}],
        "points": found,
    }


class Plant:
    """An enterprise's own system, and a chief at the page."""

    def __init__(self, demo, page, base):
        self.page, self.base, self.sent = page, base, 0
        self.ask("post", "/virtual-gateways", NEW)
        wide = {"name": "DCS", "readings_per_minute": 6000}
        self.token = self.ask("post", "/virtual-gateways/many/tokens", wide)["token"]
        self.ask("put", "/virtual-gateways/many/points", points())

    def ask(self, method, path, body=None, headers=None):
        headers = {"X-Requested-With": "fengsui"} | (headers or {})
        more = {} if body is None else {"data": body}
        asked = getattr(self.page.request, method)
        answer = asked(f"{self.base}api/v1{path}", headers=headers, **more)
        assert answer.ok, answer.text()
        return answer.json() if answer.body() else None

    def say(self, values):
        self.sent += 1
        time = self.ask("get", "/session")["clock"]["now"]
        rows = [
            {"point": f"{SITE}/tk-0/{name}", "time": time, "value": value}
            for name, value in values.items()
        ]
        who = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": f"k{self.sent}"}
        taken = self.ask("post", "/readings", {"rows": rows}, who)
        assert taken["accepted"] == len(values), taken["reasons"]

    def open(self, state="open"):
        found, after = [], ""
        while True:
            path = f"/alarms?state={state}&site={SITE}&limit=500{after}"
            answer = self.ask("get", path)
            found += answer["items"]
            if not answer["next"]:
                return found
            after = f"&cursor={answer['next']}"

    def go(self, path):
        self.page.goto(f"{self.base}#{path}")
        if not path.startswith("/alarms/"):  # a row clicked before the page is there opens nothing
            self.page.get_by_test_id("alarm-drawer").wait_for(state="detached")

    @property
    def rows(self):
        return self.page.locator('[data-testid="alarm-row"]')

    def row(self, name):
        return self.page.locator(f'[data-testid="alarm-row"][data-point="{SITE}/many/tk-0/{name}"]')


@pytest.fixture(scope="module")
def plant(demo, browser):
    config = demo.folder / "central.yaml"
    printed = demo.children.ask("central", ["create-admin", config, "chief", "--login-link"])
    code = printed.rsplit("code=", 1)[1].split()[0]
    context = browser.new_context(locale="zh-CN", viewport={"width": 1366, "height": 768})
    page = context.new_page()
    base = demo.link.split("#")[0]
    page.goto(f"{base}#/login?code={code}")
    page.get_by_test_id("count-red").wait_for(timeout=60_000)
    made = Plant(demo, page, base)
    made.faults = watched(page)
    made.say({f"l{at}": 14.0 for at in range(MANY)})
    yield made
    context.close()


def test_six_hundred_are_walked_by_keys_and_read_to_the_last(plant):
    from playwright.sync_api import expect

    plant.go(f"/alarms?site={SITE}")
    expect(plant.rows.first).to_be_visible(timeout=30_000)
    wanted = [each["id"] for each in plant.open()]
    assert len(wanted) == MANY
    expect(plant.rows.nth(60)).to_be_attached(timeout=20_000)
    plant.rows.first.focus()
    for _ in range(60):
        plant.page.keyboard.press("j")
    sixtieth = plant.page.locator(f'[data-id="{wanted[60]}"]')
    expect(sixtieth).to_be_focused(timeout=20_000)
    expect(sixtieth).to_be_in_viewport()
    expect(sixtieth).to_contain_text("≥ 13.2")
    plant.page.keyboard.press("k")
    expect(plant.page.locator(f'[data-id="{wanted[59]}"]')).to_be_focused()
    last = plant.page.locator(f'[data-id="{wanted[-1]}"]')
    for _ in range(10):  # each time as far as was read, until nothing is beyond
        if last.count():
            break
        seen = plant.rows.count()
        plant.rows.last.scroll_into_view_if_needed()
        expect(plant.rows.nth(seen)).to_be_attached(timeout=20_000)
    last.scroll_into_view_if_needed()
    expect(last).to_be_in_viewport()
    expect(last).to_contain_text("14 m")
    assert plant.rows.evaluate_all("rows => rows.map(row => row.dataset.id)") == wanted


def test_a_whole_page_is_acknowledged_in_one_go_and_the_rest_stays(plant):
    from playwright.sync_api import expect

    plant.go(f"/alarms?state=unacknowledged&site={SITE}")
    expect(plant.rows.first).to_be_visible(timeout=30_000)
    plant.page.get_by_test_id("pick-all").check()
    plant.page.get_by_test_id("bulk").click()
    expect(plant.page.get_by_text("一次最多 200 条，其余请分批")).to_be_visible()
    plant.page.get_by_test_id("bulk-send").click()
    told = plant.page.get_by_test_id("bulk-sum")
    expect(told).to_have_text(f"成功 {PAGE} 条，未成 0 条", timeout=30_000)
    expect(plant.page.get_by_test_id("bulk-outcome")).to_have_count(PAGE)
    plant.page.get_by_test_id("bulk-close").click()
    left = plant.open("unacknowledged")
    assert len(left) == MANY - PAGE
    assert {each["level"]["colour"] for each in left} == {"blue"}
    expect(plant.row("l0")).to_have_count(0, timeout=20_000)


@pytest.mark.parametrize("place", range(len(VERDICTS)))
def test_each_result_of_verifying_stays_with_its_alarm(plant, place):
    from playwright.sync_api import expect

    plant.go(f"/alarms?site={SITE}")
    plant.row(f"l{place}").click()
    plant.page.get_by_test_id("act-verify").click()
    plant.page.get_by_test_id("act-form").wait_for()
    plant.page.keyboard.press(str(place + 1))
    plant.page.get_by_test_id("act-send").click()
    expect(plant.page.get_by_test_id("said")).to_contain_text(
        f"核实 {VERDICTS[place]}", timeout=10_000
    )
    plant.page.keyboard.press("Escape")
    expect(plant.row(f"l{place}")).to_contain_text(VERDICTS[place])


def test_what_is_suppressed_leaves_the_list_and_comes_back_when_it_ends(plant):
    from playwright.sync_api import expect

    plant.go(f"/alarms?site={SITE}")
    plant.row("l20").click()
    plant.page.get_by_test_id("act-more").click()
    plant.page.get_by_test_id("act-suppress").click()
    form = plant.page.get_by_test_id("act-form")
    plant.page.get_by_test_id("act-send").click()
    expect(form).to_contain_text("请写原因")
    form.locator("textarea").fill("倒罐作业")
    plant.page.get_by_test_id("act-send").click()
    expect(form).to_have_count(0, timeout=10_000)
    plant.go(f"/alarms?site={SITE}")
    expect(plant.row("l21")).to_be_visible()
    expect(plant.row("l20")).to_have_count(0)
    plant.go("/alarms?state=resting")
    laid = plant.page.locator('[data-testid="laid-row"]', has_text="20 号罐液位")
    expect(laid).to_contain_text("倒罐作业", timeout=10_000)
    expect(laid).to_contain_text("逻辑抑制")
    laid.get_by_test_id("end-overlay").click()
    form.locator("textarea").fill("作业完成")
    plant.page.get_by_test_id("act-send").click()
    expect(laid).to_have_count(0, timeout=10_000)
    plant.go(f"/alarms?site={SITE}")
    expect(plant.row("l20")).to_have_attribute("data-state", "UNACK", timeout=10_000)


def test_a_latched_alarm_waits_for_its_reset_and_then_ends(plant):
    from playwright.sync_api import expect

    plant.ask("post", "/rules", {"rule": RULE, "reason": "试"})
    at = {"rule": "own.latched", "scope": "point", "at": LATCHED, "reason": "试"}
    plant.ask("post", "/attachments", at)
    plant.say({"latched": 1.5})
    plant.go(f"/alarms?site={SITE}")
    fresh = plant.page.locator("button.waiting")
    expect(fresh.or_(plant.row("latched")).first).to_be_visible(timeout=20_000)
    if fresh.count():  # it came while the list was read: it waits until it is asked for
        fresh.click()
    expect(plant.row("latched")).to_contain_text("安全阀压力", timeout=20_000)
    plant.say({"latched": 0.9})
    row = plant.row("latched")
    expect(row).to_have_attribute("data-state", "LATCHED_UNACK", timeout=20_000)
    row.scroll_into_view_if_needed()  # only rows in sight are drawn whole
    expect(row).to_contain_text("锁存·未确认", timeout=20_000)
    row.click()
    expect(plant.page.get_by_test_id("acknowledge")).to_be_visible(timeout=10_000)
    expect(plant.page.get_by_test_id("act-reset")).to_have_count(0)
    plant.page.get_by_test_id("acknowledge").click()
    plant.page.get_by_test_id("act-reset").click()
    plant.page.locator("[data-testid=act-form] textarea").fill("安全阀已查看")
    plant.page.get_by_test_id("act-send").click()
    drawer = plant.page.get_by_test_id("alarm-drawer")
    expect(drawer.locator(".journal")).to_contain_text("复位", timeout=10_000)
    expect(drawer.locator(".journal")).to_contain_text(re.compile("安全阀已查看"))
    plant.go(f"/alarms?site={SITE}")
    expect(plant.row("l0")).to_be_visible()
    expect(plant.row("latched")).to_have_count(0)
    plant.go(f"/alarms?state=history&site={SITE}")
    expect(plant.row("latched")).to_be_visible(timeout=20_000)


def test_no_page_failed_on_the_way(plant):
    assert [each for each in plant.faults if "status of 4" not in each] == []
