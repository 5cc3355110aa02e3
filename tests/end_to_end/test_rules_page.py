"""The page of rules in a real browser, on the demo: confirm, two editors, files, figures."""

import re
from pathlib import Path

import pytest

from tests.end_to_end.test_demo import TANK, watched

pytestmark = [pytest.mark.browser, pytest.mark.slow]
RULE = "flood-drought.flash-flood-1h"
GOOD = """\
format: v1
rules:
  - id: own.tank-high
    label: {zh: 储罐高液位}
    quantity: [tank_level]
    unit: m
    source: 设计文件
    levels:
      - {name: H, colour: yellow, op: ">=", limit: 12.5, status: S}
attachments:
  - {rule: own.tank-high, scope: domain, at: "7", reason: 全部储罐}
"""
BAD = GOOD.replace("unit: m\n", "unit: mm3\n").replace("yellow", "amber")


@pytest.fixture(scope="module")
def desk(demo, browser):
    """An administrator's browser; what must never happen on a page ends the tests."""
    config = demo.folder / "central.yaml"
    printed = demo.children.ask("central", ["create-admin", config, "keeper", "--login-link"])
    code = printed.rsplit("code=", 1)[1].split()[0]
    context = browser.new_context(locale="zh-CN", viewport={"width": 1366, "height": 768})
    page = context.new_page()
    base = demo.link.split("#")[0]
    page.goto(f"{base}#/login?code={code}")
    page.get_by_test_id("count-red").wait_for(timeout=60_000)
    yield page, base
    context.close()


def go(desk, path):
    page, base = desk
    page.goto(f"{base}#{path}")
    return page


def told(desk, method, path, body=None):
    page, base = desk
    headers = {"X-Requested-With": "fengsui"}
    ask = getattr(page.request, method)
    answer = ask(f"{base}api/v1{path}", headers=headers, **({"data": body} if body else {}))
    return answer.json()


def test_an_offer_is_silent_until_a_person_confirms_it(desk, pictures):
    from playwright.sync_api import expect

    page = go(desk, f"/rules/library/{RULE}")
    faults = watched(page)
    expect(page.get_by_test_id("rule-standing")).to_have_text("未生效", timeout=20_000)
    red = page.locator('[data-level="红色（立即转移）"]')
    expect(red).to_have_attribute("data-standing", "unconfirmed")
    expect(red).to_contain_text("未确认，不生效")
    expect(red.locator("[data-status]")).to_have_text(re.compile("S 因地而异"))
    page.get_by_test_id("to-confirm").click()
    page.locator('[data-confirm="红色（立即转移）"]').check()
    page.get_by_test_id("confirm-levels").click()
    expect(page.get_by_text("请写明原因")).to_be_visible()
    page.locator('[data-figure="红色（立即转移）"]').fill("82")
    page.get_by_test_id("confirm-form").locator('input[type="text"]').fill("逐村核定")
    page.get_by_test_id("confirm-levels").click()
    expect(page.get_by_test_id("rule-standing")).to_have_text("部分生效", timeout=20_000)
    expect(red).to_contain_text("keeper 确认于")
    expect(red).to_contain_text("≥ 82 mm")
    expect(page.get_by_test_id("version").first).to_contain_text("阈值 80 → 82")
    if pictures:
        page.screenshot(path=pictures / "rule-confirmed-zh.png")
    assert not faults


def test_the_second_of_two_editors_is_told_who_was_first_and_keeps_what_he_typed(desk):
    from playwright.sync_api import expect

    page = go(desk, f"/rules/library/{RULE}")
    version = told(desk, "get", f"/rules/{RULE}")["rule"]["current"]["version"]
    page.get_by_test_id("to-edit").click()
    figure = page.locator('[data-edit="红色（立即转移）/limit"]')
    figure.fill("90")
    asked = {"levels": [{"name": "蓝色"}], "version": version, "reason": "另一人"}
    assert told(desk, "post", f"/rules/{RULE}/confirm", asked)["current"]["version"] == version + 1
    page.get_by_test_id("edit-form").locator("[type=text]").last.fill("调高")
    page.get_by_test_id("save-rule").click()
    expect(page.get_by_test_id("conflict")).to_contain_text(f"第 {version + 1} 版", timeout=20_000)
    expect(figure).to_have_value("90")
    now = told(desk, "get", f"/rules/{RULE}")["rule"]["current"]
    assert (now["version"], now["rule"]["levels"][-1]["limit"]) == (version + 1, 82)


def test_a_file_is_tried_its_faults_named_by_row_and_mended_it_goes_in(desk, tmp_path, pictures):
    from playwright.sync_api import expect

    page = go(desk, "/rules/files")
    file = tmp_path / "rules.yaml"
    file.write_text(BAD, encoding="utf-8")
    page.get_by_test_id("rule-file").set_input_files(file)
    expect(page.get_by_test_id("fault")).to_have_count(2, timeout=20_000)
    expect(page.get_by_test_id("fault").first).to_contain_text("6")
    expect(page.get_by_test_id("fault").last).to_contain_text("amber")
    with page.expect_download() as waiting:
        page.get_by_test_id("marked").click()
    marked = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert marked.count("# ✗ ") == 2
    if pictures:
        page.screenshot(path=pictures / "files-faults-zh.png")
    file.write_text(GOOD, encoding="utf-8")
    page.get_by_test_id("rule-file").set_input_files(file)
    expect(page.get_by_test_id("changes")).to_contain_text("1 级未确认，导入后不报警")
    assert told(desk, "get", "/rules?origin=none")["items"] == []
    page.get_by_test_id("apply").click()
    expect(page.get_by_test_id("imported")).to_contain_text("新建 1", timeout=20_000)
    go(desk, "/rules/library/own.tank-high")
    expect(page.get_by_test_id("rule-standing")).to_have_text("未生效", timeout=20_000)
    go(desk, f"/rules/point?point={TANK}")
    passed = page.locator('[data-family="high"] [data-testid="passed"]')
    expect(passed.first).to_be_visible(timeout=20_000)
    expect(page.locator('[data-family="high"]')).to_contain_text("网关清单自带的阈值")


def test_the_figures_are_those_of_the_interface_with_their_benchmarks(desk, pictures):
    from playwright.sync_api import expect

    page = go(desk, "/rules/figures?days=1")
    expect(page.get_by_test_id("operators")).to_have_text("按 1 名值班员算", timeout=30_000)
    hour = page.locator('[data-figure="per_hour"]')
    expect(hour).to_contain_text("可接受 ≤ 6")
    expect(hour.locator('[data-status="K"]')).to_be_visible()
    with page.expect_response(re.compile("/alarms/kpis")) as waiting:
        page.get_by_test_id("days-7").click()
    said = {each["name"]: each for each in waiting.value.json()["figures"]}
    shown = int(said["per_hour"]["numerator"])
    expect(hour).to_contain_text(f"{shown} 条 / 168 人·小时")
    assert shown > 0
    expect(page.get_by_test_id("top").first).to_be_visible()
    if pictures:
        page.screenshot(path=pictures / "figures-zh.png")
