"""Two operators before one list of alarms: every act of the page in real browsers, on the demo."""

import re
import shutil
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest

from protocols.simulators import demo as demos
from protocols.simulators.demo import Demo, Timing, free_port
from tests.end_to_end.test_demo import TANK, watched

pytestmark = [pytest.mark.browser, pytest.mark.slow]
RISE = "qingyun/gw-qingyun/dam/rsv-wl"
VERDICTS = ("属实", "误报", "仪表故障", "报备内", "测试")


@pytest.fixture(scope="module")
def floor(tmp_path_factory):
    """The demo where a shelf over what can be red needs a second person."""
    folder = tmp_path_factory.mktemp("floor")
    shutil.copytree(demos.CONFIG[0], folder / "config")
    written = folder / "config" / "demo" / "central.yaml"
    second = "alarms: {red_shelf_needs_second_person: true}\n"
    written.write_text(written.read_text(encoding="utf-8") + second, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demos, "CONFIG", (folder / "config",))
        running = Demo(folder / "demo", free_port(), Timing(start="22:06:30", factor=2.0))
        try:
            running.start()
            yield running
        finally:
            running.stop()


class Desk:
    """One person's browser on the page of alarms."""

    def __init__(self, demo, browser, name, size=(1366, 768)):
        config = demo.folder / "central.yaml"
        printed = demo.children.ask("central", ["create-admin", config, name, "--login-link"])
        code = printed.rsplit("code=", 1)[1].split()[0]
        self.context = browser.new_context(
            base_url=demo.link.split("#")[0],
            locale="zh-CN",
            viewport={"width": size[0], "height": size[1]},
        )
        self.page = self.context.new_page()
        self.faults = watched(self.page)
        self.base = demo.link.split("#")[0]
        self.page.goto(f"{self.base}#/login?code={code}")
        self.page.get_by_test_id("count-red").wait_for(timeout=30_000)

    def go(self, path="/alarms"):
        self.page.goto(f"{self.base}#{path}")
        if not path.startswith("/alarms/"):  # a row clicked before the page is there opens nothing
            self.page.get_by_test_id("alarm-drawer").wait_for(state="detached")

    def row(self, point, level=None):
        colour = f'[data-level="{level}"]' if level else ""
        return self.page.locator(f'[data-testid="alarm-row"][data-point="{point}"]{colour}')

    def open(self, point, level=None):
        self.go()
        self.row(point, level).first.click()
        self.page.get_by_test_id("grounds").wait_for(timeout=20_000)

    def send(self):
        self.page.get_by_test_id("act-send").click()

    def id(self):
        return self.page.url.rsplit("/", 1)[1].split("?")[0]


@pytest.fixture(scope="module")
def two(floor, browser):
    """Two people on the same shift."""
    desks = [Desk(floor, browser, name) for name in ("zhao", "qian")]
    yield desks
    for desk in desks:
        desk.context.close()


def open_ones(page):
    """Ask the collector, as this person, for the open alarms in its order."""
    answer = page.request.get("/api/v1/alarms?state=open&limit=500")
    return [episode["id"] for episode in answer.json()["items"]]


def refused_by_design(faults):
    """Chromium writes every 4xx answer to the console; those are asked for here."""
    return [fault for fault in faults if "the server responded with a status of 4" not in fault]


def test_red_and_orange_that_nobody_saw_are_seen_from_every_page(two):
    from playwright.sync_api import expect

    for desk in two:
        for path in ("/health", "/points", "/system"):
            desk.go(path)
            expect(desk.page.get_by_test_id("unseen-badge")).to_be_visible(timeout=20_000)


def test_the_second_to_acknowledge_is_told_who_was_first_and_when(two):
    from playwright.sync_api import expect

    first, second = two
    for desk in two:
        desk.open(TANK, "red")
    held = []
    second.page.route("**/acknowledge", lambda route: held.append(route))
    second.page.get_by_test_id("acknowledge").click()
    second.page.wait_for_timeout(100)
    first.page.locator("#ack-comment").fill("已通知罐区中控")
    first.page.get_by_test_id("acknowledge").click()
    expect(first.page.get_by_text("已确认").first).to_be_visible(timeout=10_000)
    expect(first.page.locator(".journal")).to_contain_text("已通知罐区中控")
    for route in held:
        route.continue_()
    notice = second.page.get_by_test_id("act-notice")
    expect(notice).to_have_text(re.compile(r"zhao \d\d:\d\d:\d\d 已确认"), timeout=10_000)
    second.page.unroute("**/acknowledge")
    assert held


def test_what_it_was_is_verified_and_said_and_the_other_sees_it(two):
    from playwright.sync_api import expect

    first, second = two
    for desk in two:
        desk.open(TANK, "red")
    first.page.keyboard.press("v")
    form = first.page.get_by_test_id("act-form")
    first.send()
    expect(form).to_contain_text("请选一个结论")
    for word in VERDICTS:
        expect(form).to_contain_text(word)
    first.page.get_by_test_id("result-real").click()
    first.page.locator("[data-testid=act-form] textarea").fill("中控确认液位真实")
    first.send()
    expect(second.page.get_by_test_id("said")).to_contain_text("核实 属实", timeout=10_000)
    expect(second.page.get_by_test_id("said")).to_contain_text("中控确认液位真实")
    second.page.keyboard.press("c")
    second.page.locator("[data-testid=act-form] textarea").fill("卸船泵 22:08 停")
    second.send()
    expect(first.page.get_by_test_id("said")).to_contain_text("卸船泵 22:08 停", timeout=10_000)


def test_a_red_shelf_waits_for_the_other_and_then_leaves_the_list(two):
    from playwright.sync_api import expect

    first, second = two
    first.open(TANK, "red")
    alarm = first.id()
    first.page.keyboard.press("s")
    expect(first.page.get_by_test_id("act-form")).to_contain_text("最长 8 小时")
    first.page.get_by_test_id("shelf-1800").click()
    first.send()
    expect(first.page.get_by_test_id("act-form")).to_contain_text("请写原因")
    first.page.locator("[data-testid=act-form] textarea").fill("液位计标定")
    first.send()
    expect(first.page.get_by_test_id("act-said")).to_contain_text("等另一个人同意")

    first.go("/alarms?state=shelved")
    expect(first.page.get_by_test_id("request-own")).to_be_visible(timeout=20_000)
    expect(first.page.get_by_test_id("request-confirm")).to_have_count(0)
    second.go("/alarms?state=shelved")
    second.page.get_by_test_id("request-confirm").click()
    row = second.page.locator(f'[data-testid="laid-row"][data-rule="{TANK}:high"]')
    expect(row).to_contain_text("液位计标定", timeout=10_000)
    expect(row).to_contain_text(re.compile(r"剩 \d+ min"))
    expect(row).to_contain_text("zhao, qian")
    for desk in two:
        desk.go()
        expect(desk.row(RISE).first).to_be_visible()
        expect(desk.row(TANK, "red")).to_have_count(0)

    second.go("/alarms?state=shelved")
    row.get_by_test_id("end-overlay").click()
    second.page.locator("[data-testid=act-form] textarea").fill("标定完成")
    second.send()
    expect(row).to_have_count(0, timeout=10_000)
    first.go()
    expect(first.row(TANK, "red")).to_be_visible(timeout=10_000)
    assert alarm == first.row(TANK, "red").get_attribute("data-id")


def test_out_of_service_wants_a_permit_or_a_filing_and_ends_by_hand(two):
    from playwright.sync_api import expect

    first, second = two
    first.open(RISE)
    rule = first.page.request.get(f"/api/v1/alarms/{first.id()}").json()["rule"]
    first.page.get_by_test_id("act-more").click()
    first.page.get_by_test_id("act-out_of_service").click()
    form = first.page.get_by_test_id("act-form")
    first.send()
    expect(form).to_contain_text("作业许可编号、报备编号填一个")
    expect(form).to_contain_text("请写原因")
    first.page.get_by_label("报备编号").fill("999999")
    first.page.locator("[data-testid=act-form] textarea").fill("水位计检修")
    first.send()
    expect(form.get_by_test_id("refused")).to_contain_text("报备 999999 现在不适用", timeout=10_000)
    first.page.get_by_label("报备编号").fill("")
    first.page.get_by_label("作业许可编号").fill("JX-2026-061")
    first.send()
    expect(form).to_have_count(0, timeout=10_000)
    second.go("/alarms?state=resting")
    row = second.page.locator(f'[data-testid="laid-row"][data-rule="{rule}"]')
    expect(row).to_contain_text("JX-2026-061: 水位计检修", timeout=10_000)
    expect(row).to_contain_text("无自动结束")
    row.get_by_test_id("end-overlay").click()
    second.page.locator("[data-testid=act-form] textarea").fill("检修完成")
    second.send()
    expect(row).to_have_count(0, timeout=10_000)


def test_several_at_once_each_with_its_own_outcome(two):
    from playwright.sync_api import expect

    first, second = two
    for desk in two:
        desk.go("/alarms?state=unacknowledged&site=qingyun")
        desk.page.locator('[data-testid="alarm-row"]').nth(2).wait_for(timeout=20_000)
    held = []
    second.page.route("**/alarms/acknowledge", lambda route: held.append(route))
    second.page.locator('[data-testid="alarm-row"]').first.focus()
    for _ in range(2):
        second.page.keyboard.press("Shift+J")
    expect(second.page.get_by_text("已选 3 条")).to_be_visible()
    chosen = second.page.locator("tr.picked")
    lost = chosen.first.get_attribute("data-id")
    second.page.keyboard.press("Shift+A")
    second.page.get_by_test_id("bulk-send").click()
    second.page.wait_for_timeout(100)
    first.go(f"/alarms/{lost}")
    first.page.get_by_test_id("acknowledge").click()
    expect(first.page.get_by_text("已确认").first).to_be_visible(timeout=10_000)
    for route in held:
        route.continue_()
    expect(second.page.get_by_test_id("bulk-sum")).to_have_text(
        "成功 2 条，未成 1 条", timeout=10_000
    )
    missed = second.page.locator('[data-testid="bulk-outcome"][data-done="false"]')
    expect(missed).to_contain_text(re.compile(r"zhao \d\d:\d\d:\d\d 已确认"))
    second.page.get_by_test_id("bulk-close").click()
    expect(second.page.get_by_test_id("bulk")).to_have_count(0)
    second.page.unroute("**/alarms/acknowledge")


def test_an_answer_lost_on_the_way_does_not_do_it_twice(two):
    from playwright.sync_api import expect

    first, _ = two
    first.open(TANK, "red")
    keys = []

    def lose_the_first_answer(route):
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    first.page.route("**/comment", lose_the_first_answer)
    first.page.keyboard.press("c")
    first.page.locator("[data-testid=act-form] textarea").fill("只写一次")
    first.send()
    expect(first.page.get_by_test_id("act-form")).to_have_count(0, timeout=10_000)
    expect(first.page.get_by_test_id("said").get_by_text("只写一次")).to_have_count(1)
    assert len(keys) == 2
    assert len(set(keys)) == 1
    first.page.unroute("**/comment")
    first.faults[:] = [fault for fault in first.faults if "ERR_CONNECTION_RESET" not in fault]


def test_who_only_watches_is_offered_no_act(two):
    from playwright.sync_api import expect

    _, second = two

    def watching(route):
        answer = route.fetch()
        body = answer.json()
        body["person"]["roles"] = ["viewer"]
        route.fulfill(response=answer, json=body)

    second.page.route("**/api/v1/session", watching)
    second.go("/overview")
    second.page.reload()
    second.open(TANK)
    expect(second.page.locator('[data-testid^="act-"]')).to_have_count(0)
    second.page.keyboard.press("v")
    expect(second.page.get_by_test_id("act-form")).to_have_count(0)
    second.page.unroute("**/api/v1/session")
    second.page.reload()


def test_the_list_is_read_on_as_it_is_scrolled_in_the_collectors_order(two):
    from playwright.sync_api import expect

    first, _ = two

    def by_fives(route):
        parts = urlsplit(route.request.url)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()} | {"limit": "5"}
        route.continue_(url=urlunsplit(parts._replace(query=urlencode(asked))))

    first.page.route("**/api/v1/alarms?*", by_fives)
    first.go("/overview")
    first.page.reload()
    first.go()
    rows = first.page.locator('[data-testid="alarm-row"]')
    assert len(open_ones(first.page)) > 5  # or nothing is read on
    expect(rows.nth(5)).to_be_visible(timeout=30_000)
    further = first.page.get_by_test_id("further")
    for _ in range(40):  # as long as more is below: to the last row, and wait for what it brings
        if not further.count():
            break
        rows.last.scroll_into_view_if_needed()
        first.page.wait_for_timeout(500)
    expect(further).to_have_count(0)
    first.page.unroute("**/api/v1/alarms?*")
    shown, there = [], ["nothing yet"]
    for _ in range(20):  # the story goes on: alarms come and go between the two looks
        shown = [row.get_attribute("data-id") for row in rows.all()]
        there = open_ones(first.page)
        if shown == there:
            break
        first.page.wait_for_timeout(500)
    assert shown == there


def test_a_silent_gateway_is_one_item_apart_from_the_alarms(floor, two):
    from playwright.sync_api import expect

    first, second = two
    first.go("/health")
    first.page.get_by_test_id("cable-gw-qingyun").click()
    second.go()
    item = second.page.locator('[data-testid="fault"][data-place="gateway"]')
    expect(item).to_have_count(1, timeout=60_000)
    expect(item).to_contain_text("网关离线")
    expect(item).to_contain_text(re.compile(r"1 台网关、1 台设备、1\d 个点位"))
    item.click()
    drawer = second.page.get_by_test_id("alarm-drawer")
    expect(drawer).to_contain_text("期间不能判断现场是否安全")
    second.page.get_by_test_id("acknowledge").click()
    expect(drawer).to_contain_text("已确认", timeout=10_000)
    among = f'[data-testid="alarm-row"][data-id="{item.get_attribute("data-id")}"]'
    expect(second.page.locator(among)).to_have_count(0)
    first.page.get_by_test_id("cable-gw-qingyun").click()


def test_a_flood_shows_red_and_orange_alone_and_the_rest_by_site(two):
    from playwright.sync_api import expect

    first, _ = two
    figures = {"whole": True, "recent": 14, "operators": 1, "window_minutes": 10.0, "on_above": 10}
    figures |= {"on": True, "began": None, "alarms": 23, "off_below": 5, "history": []}
    first.page.route("**/api/v1/alarms/flood", lambda route: route.fulfill(json=figures))
    first.page.route(
        "**/api/v1/alarms/grouped*",
        lambda route: route.continue_(url=f"{route.request.url}&always=true"),
    )
    first.go("/overview")
    first.page.reload()
    first.go()
    expect(first.page.get_by_test_id("flood")).to_contain_text("已 23 条，近 10 分钟 14 条")
    group = first.page.locator('[data-testid="group"][data-site="qingyun"]')
    expect(group).to_contain_text("首出", timeout=10_000)
    rows = first.page.locator('[data-testid="alarm-row"]')
    yellow = first.page.locator('[data-testid="alarm-row"][data-level="yellow"]')
    expect(yellow).to_have_count(0)
    group.click()
    expect(yellow.first).to_be_visible()
    first.go()
    first.page.get_by_test_id("flood-toggle").click()
    expect(yellow.first).to_be_visible()
    assert rows.count() > 5
    first.page.unroute("**/api/v1/alarms/flood")
    first.page.unroute("**/api/v1/alarms/grouped*")


def test_phone_width_has_every_act_and_nothing_beyond_the_edge(floor, browser):
    from playwright.sync_api import expect

    phone = Desk(floor, browser, "sun", size=(390, 844))
    phone.open(TANK)
    for act in ("verify", "shelve", "comment"):
        expect(phone.page.get_by_test_id(f"act-{act}")).to_be_visible()
    phone.page.get_by_test_id("act-verify").click()
    expect(phone.page.get_by_test_id("act-form")).to_be_visible()
    for path in (
        "/alarms",
        "/alarms?state=shelved",
        "/alarms?state=resting",
        "/alarms?state=history",
    ):
        phone.go(path)
        phone.page.wait_for_timeout(500)
        assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390, path
    phone.context.close()


def test_no_page_failed_on_the_way(two):
    for desk in two:
        assert refused_by_design(desk.faults) == []
