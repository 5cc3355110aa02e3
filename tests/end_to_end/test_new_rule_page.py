"""A rule of one's own from empty form to alarm; a workbook that comes back with its faults."""

import re
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.end_to_end.test_demo import TANK, watched

pytestmark = [pytest.mark.browser, pytest.mark.slow]
OWN = "own.limit.tank_level"
TRIED = '[data-testid="tried"]'


@pytest.fixture(scope="module")
def desk(demo, browser):
    """An administrator's browser on the page of rules."""
    config = demo.folder / "central.yaml"
    printed = demo.children.ask("central", ["create-admin", config, "maker", "--login-link"])
    code = printed.rsplit("code=", 1)[1].split()[0]
    context = browser.new_context(locale="zh-CN", viewport={"width": 1366, "height": 768})
    page = context.new_page()
    base = demo.link.split("#")[0]
    page.goto(f"{base}#/login?code={code}")
    page.get_by_test_id("count-red").wait_for(timeout=60_000)
    yield page, base
    context.close()


def field(page, name):
    return page.locator(f'[data-new="{name}"]').locator("input, select").first


def place(page, scope, at, site=None):
    page.locator('[data-field="scope"]').select_option(scope)
    if site is not None:
        page.locator('[data-field="site"]').select_option(site)
    page.locator('[data-field="at"]').select_option(at)


def begin(desk, kind="limit"):
    from playwright.sync_api import expect

    page, base = desk
    page.goto(f"{base}#/rules/library")
    page.get_by_test_id("rule-row").first.wait_for(timeout=30_000)
    page.get_by_test_id("new-rule-open").click()
    field(page, "kind").select_option(kind)
    expect(page.get_by_test_id("new-rule")).to_be_visible()
    return page


def asked(desk, path):
    page, base = desk
    return page.request.get(f"{base}api/v1{path}").json()


def test_from_an_empty_form_to_an_alarm(desk, pictures):
    from playwright.sync_api import expect

    page = begin(desk)
    faults = watched(page)
    page.get_by_test_id("try-rule").click()
    expect(page.get_by_test_id("new-faults")).to_be_visible()
    for missed in ("label.zh", "quantity[0]", "at"):
        expect(page.locator(f'[data-field="{missed}"]')).to_have_attribute("aria-invalid", "true")
    field(page, "zh").fill("储罐液位（自建）")
    field(page, "quantity-0").select_option("tank_level")
    expect(field(page, "id")).to_have_value(OWN)
    expect(field(page, "unit")).to_have_value("m")
    place(page, "point", TANK, "honghaiwan")
    field(page, "0/name").fill("偏高")
    field(page, "0/limit").fill("13.2")
    field(page, "0/clause").fill("4.2")
    field(page, "0/source").fill("设计文件")
    page.get_by_test_id("add-level").click()
    field(page, "1/colour").select_option("red")
    field(page, "1/name").fill("过高")
    field(page, "1/limit").fill("13.1")
    page.get_by_test_id("try-rule").click()
    wrong = page.locator('[data-new="1/limit"] [data-fault]')
    expect(wrong).to_contain_text("13.1 与上一级的顺序不对，应 > 13.2", timeout=20_000)
    expect(page.get_by_test_id("create-rule")).to_have_attribute("aria-disabled", "true")
    field(page, "1/limit").fill("30")
    page.get_by_test_id("try-rule").click()
    tried = page.locator(f'{TRIED}[data-subject="{TANK}"]')
    expect(tried).to_contain_text("网关清单自带", timeout=20_000)
    expect(tried).to_have_attribute("data-colour", "yellow")
    expect(tried).to_contain_text(re.compile(r"1[34]\.\d+ m"))
    if pictures:
        page.screenshot(path=pictures / "new-rule-tried-zh.png")
    field(page, "1/limit").fill("31")
    expect(page.get_by_text("改动后还没有试算")).to_be_visible()
    expect(page.get_by_test_id("trial")).to_have_count(0)
    page.get_by_test_id("try-rule").click()
    page.get_by_test_id("trial").wait_for(timeout=20_000)
    page.get_by_test_id("create-rule").click()
    expect(page.get_by_text("请写明原因")).to_be_visible()
    page.locator('[data-field="reason"] input').fill("新罐投用")
    page.get_by_test_id("create-rule").click()
    expect(page.get_by_test_id("rule-standing")).to_have_text("未生效", timeout=20_000)
    held = asked(desk, f"/points/{TANK}/rules")["rules"]
    assert OWN not in [each["rule"] for each in held]
    page.get_by_test_id("to-confirm").click()
    for level in ("偏高", "过高"):
        page.locator(f'[data-confirm="{level}"]').check()
    page.get_by_test_id("confirm-form").locator('input[type="text"]').fill("设计单位核定")
    page.get_by_test_id("confirm-levels").click()
    expect(page.get_by_test_id("rule-standing")).to_have_text("生效", timeout=20_000)
    held = asked(desk, f"/points/{TANK}/rules")["rules"]
    assert OWN in [each["rule"] for each in held]
    page.goto(f"{desk[1]}#/alarms")
    rows = page.locator(f'[data-testid="alarm-row"][data-point="{TANK}"]')
    expect(rows.filter(has_text="偏高")).to_have_count(1, timeout=30_000)
    assert [each for each in faults if "status of 422" not in each] == []


def test_an_interlock_is_made_of_pickers_and_tried_on_its_object(desk):
    from playwright.sync_api import expect

    page = begin(desk, "interlock")
    field(page, "zh").fill("高液位时泵仍运行")
    place(page, "domain", "7")
    field(page, "in0/quantity").select_option("tank_level")
    expect(field(page, "in0/unit")).to_have_value("m")
    field(page, "in0/limit").fill("12")
    field(page, "in1/of").select_option("point")
    field(page, "in1/site").select_option("honghaiwan")
    field(page, "in1/point").select_option(TANK)
    field(page, "in1/limit").fill("1")
    field(page, "0/name").fill("仍运行")
    page.get_by_test_id("try-rule").click()
    tried = page.locator(f'{TRIED}[data-colour="yellow"]')
    expect(tried).to_have_count(1, timeout=20_000)
    expect(tried).to_contain_text("2 路输入")


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("rate", {"per": "600"}),
        ("window", {"aggregate": "change", "window": "600"}),
        ("schedule", {}),
        ("stale", {}),
        ("bad", {}),
        ("frozen", {"tolerance": "0.001"}),
        ("expression", {"text": "value > 12"}),
    ],
)
def test_each_kind_of_one_point_is_taken(desk, kind, typed):
    from playwright.sync_api import expect

    page = begin(desk, kind)
    field(page, "zh").fill(f"试 {kind}")
    field(page, "quantity-0").select_option("tank_level")
    place(page, "site", "honghaiwan")
    for name, value in typed.items():
        one = field(page, name)
        if one.evaluate("one => one.tagName") == "SELECT":
            one.select_option(value)
        else:
            one.fill(value)
    field(page, "0/name").fill("一级")
    field(page, "0/limit").fill("1")
    page.get_by_test_id("try-rule").click()
    expect(page.locator(f'{TRIED}[data-subject="{TANK}"]')).to_be_visible(timeout=20_000)


@pytest.mark.parametrize("kind", ["vote", "levels"])
def test_each_kind_of_an_object_is_taken(desk, kind):
    page = begin(desk, kind)
    field(page, "zh").fill(f"试 {kind}")
    if kind == "vote":
        field(page, "in0/quantity").select_option("gas_combustible")
        field(page, "in0/limit").fill("25")
    place(page, "domain", "7")
    field(page, "0/name").fill("一级")
    page.get_by_test_id("try-rule").click()
    page.get_by_test_id("trial").wait_for(timeout=20_000)
    assert int(page.get_by_test_id("trial").get_attribute("data-holds")) >= 1


def test_a_workbook_comes_back_with_each_fault_in_its_row(desk, tmp_path):
    from playwright.sync_api import expect

    page, base = desk
    book = tmp_path / "rules.xlsx"
    book.write_bytes(page.request.get(f"{base}api/v1/rule-file?format=xlsx").body())
    edited = load_workbook(book)
    sheet = next(each for each in edited if each.title.startswith("分级"))
    column = next(at for at, cell in enumerate(sheet[1], 1) if "颜色" in str(cell.value))
    rows = [row for row in range(2, sheet.max_row + 1) if sheet.cell(row, 1).value][:2]
    before = [sheet.cell(row, column).value for row in rows]
    for row in rows:
        sheet.cell(row, column).value = "紫"
    edited.save(book)
    page.goto(f"{base}#/rules/files")
    page.get_by_test_id("rule-file").set_input_files(book)
    expect(page.get_by_test_id("fault")).to_have_count(2, timeout=30_000)
    for row, shown in zip(rows, page.get_by_test_id("fault").all(), strict=True):
        expect(shown).to_contain_text(f"{sheet.title} {row}")
        expect(shown).to_contain_text("紫")
    with page.expect_download() as waiting:
        page.get_by_test_id("marked").click()
    returned = tmp_path / "returned.xlsx"
    returned.write_bytes(Path(waiting.value.path()).read_bytes())
    marked = load_workbook(returned)[sheet.title]
    said = [str(cell.value) for row in rows for cell in marked[row] if cell.value]
    assert sum("紫" in text and len(text) > 1 for text in said) == 2
    mended = load_workbook(returned)
    for row, colour in zip(rows, before, strict=True):
        mended[sheet.title].cell(row, column).value = colour
    mended.save(returned)
    page.get_by_test_id("rule-file").set_input_files(returned)
    expect(page.get_by_test_id("fault")).to_have_count(0, timeout=30_000)
    expect(page.get_by_text("与平台相同，没有要改的")).to_be_visible(timeout=30_000)
