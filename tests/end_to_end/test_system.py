"""系统: the calendar is kept; deliveries, retention and backups say what is there."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from central.backup import records
from central.backup.records import VERIFIED, BackupRecord
from central.keep import DAY
from central.store.set_aside import Piece
from central.store.tiers import tiers
from central.store.tiers.tiers import Gone
from protocols.clock import HOUR, MINUTE, SECOND, SystemClock
from tests.central.api.conftest import People
from tests.central.builders import open_collector
from tests.central.door.plant import FLOW, LEVEL, SITE, Enterprise
from tests.end_to_end.test_demo import watched

ROOT = Path(__file__).resolve().parents[2]
WIDE, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
LOST = [
    Piece("journal", 9_999, "gw-shore", 1, 1_781_272_800_000_000, 1_200, "checksum", bytes(40_000)),
    Piece("head", None, "head/newest/3", 0, 0, 0, "row 3: checksum", bytes(900)),
]
FAILED = {
    "code": "BACKUP_NO_ROOM",
    "params": {"folder": "/srv/backup", "need": "412 MiB", "free": "96 MiB"},
}
PARTS = ("calendar", "deliveries", "retention", "store", "backups")


async def planted(folder):
    """Fill a database; return a session of an administrator."""
    clock = SystemClock()
    collector = await open_collector(folder, clock)
    try:
        enterprise = await Enterprise(collector).begin()
        now = clock.now()
        # an hour in which the level came, a gap, and what came late; the flow is silent
        late = [now - n * 10 * SECOND for n in range(150, 30, -1) if not 80 < n < 110]
        live = [now - n * 10 * SECOND for n in range(5, 0, -1)]
        await enterprise.columns(
            "late", [LEVEL] * len(late), late, [50 + n % 7 for n in range(len(late))]
        )
        await enterprise.columns("live", [LEVEL] * len(live), live, [60, 61, 62, 85, 92])
        await collector.db.write(lambda tables: written(tables, now))
        await collector.db.write(lambda tables: collector.store.set_aside.put(tables, LOST))
        return (await People(collector.db, clock).session("administrator", name="李工"))["Cookie"]
    finally:
        await collector.close()


def written(tables, now):
    day = now // DAY
    for ago, tier, why in (
        (401, "raw", "general:400d"),
        (1101, "raw", "general:400d"),
        (1101, "1min", "general:1100d"),
    ):
        line = (SITE, tier, day - ago, 86_400, 46_000, now - HOUR, now - MINUTE, why)
        tiers.note(tables.conn, Gone._make(line))
    for ago, size, added, result in (
        (2, 5_000_000, 5_000_000, VERIFIED),
        (1, 5_200_000, 210_000, VERIFIED),
        (0, 0, 0, "failed"),
    ):
        made = BackupRecord(
            time=now - ago * DAY,
            file=f"/srv/fengsui-{2 - ago}.db",
            bytes=size,
            sha256="",
            result=result,
            detail="",
            actor="schedule",
            seconds=1.5,
            identity="included",
            written=added,
            **({} if result == VERIFIED else FAILED),
        )
        records.enter(tables, made)


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    """A collector with some history; yields its address and a session."""
    folder = tmp_path_factory.mktemp("system")
    cookie = asyncio.run(planted(folder))
    config = folder / "central.yaml"
    config.write_text("format: v1\ndatabase: collector.db\nlisten:\n  port: 0\n", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "central", "run", str(config)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line
        yield found[0], cookie.partition("=")[2]
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@pytest.fixture
def opened(console, browser):
    """Open a page of that size and language."""
    address, session = console
    contexts = []

    def open_page(path, viewport=WIDE, language="zh"):
        context = browser.new_context(timezone_id="Asia/Shanghai", viewport=viewport)
        contexts.append(context)
        context.add_cookies([{"name": "fengsui_session", "value": session, "url": address}])
        context.add_init_script(f"localStorage.setItem('fengsui.language', {json.dumps(language)})")
        page = context.new_page()
        faults = watched(page)
        page.goto(f"{address}/#{path}")
        return page, faults

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.browser
@pytest.mark.slow
def test_a_filing_is_entered_ended_and_withdrawn(opened):
    from playwright.sync_api import expect

    page, faults = opened("/system/calendar")
    expect(page.get_by_text("没有报备")).to_be_visible(timeout=20_000)
    page.get_by_test_id("enter").click()
    form = page.get_by_test_id("exemption-form")
    form.get_by_role("button", name="录入").click()
    expect(form.get_by_text("请选监测场所")).to_be_visible()
    expect(form.get_by_text("要写原因")).to_be_visible()
    form.locator("[data-field=site]").select_option(SITE)
    form.locator("[data-field=category]").select_option("maintenance")
    form.get_by_label("开始（UTC+8）").fill("2026-06-12T08:00")
    form.get_by_label("原因").fill("液位计检修")
    form.get_by_role("button", name="录入").click()
    drill = page.get_by_test_id("exemption-drill")
    expect(drill.get_by_text("液位计检修")).to_be_visible()
    expect(page.get_by_test_id("exemption")).to_contain_text("进行中")
    drill.get_by_label("结束时间").fill("2026-06-12T18:00")
    page.get_by_test_id("end").click()
    expect(page.get_by_test_id("exemption")).to_contain_text("已结束")
    expect(drill.get_by_text("结束办理")).to_be_visible()
    page.keyboard.press("Escape")
    expect(drill).to_be_hidden()
    page.keyboard.press("j")
    expect(drill).to_be_visible()
    page.get_by_test_id("withdraw").click()
    page.get_by_test_id("confirm-act").click()
    expect(page.get_by_test_id("exemption")).to_contain_text("已撤回")
    expect(page.get_by_test_id("withdraw")).to_be_hidden()
    page.get_by_role("link", name="节假日").click()
    expect(page.get_by_test_id("holiday-year").first).to_contain_text("国庆")
    assert not faults


@pytest.mark.browser
@pytest.mark.slow
def test_deliveries_retention_and_backups_say_what_is_there(opened, pictures):
    from playwright.sync_api import expect

    page, faults = opened("/system/deliveries?every=10")
    row = page.locator(f"tr[data-point='{LEVEL}']")
    expect(row).to_be_visible(timeout=20_000)
    expect(page.get_by_test_id("delivery").first.locator("td").first).to_have_text("0")
    expect(page.locator(f"tr[data-point='{FLOW}']")).to_be_visible()
    row.click()
    gaps = page.get_by_test_id("gaps")
    expect(gaps).to_contain_text("补传 91")
    expect(gaps.locator("li").first).to_be_visible()
    page.get_by_role("link", name="到最重的未确认报警").click()
    expect(page.get_by_role("img", name=re.compile("补传 91 条"))).to_be_visible()
    if pictures:
        page.wait_for_timeout(400)
        page.screenshot(path=pictures / "trend-late-zh-1366.png")
    page.goto(page.url.partition("#")[0] + "#/system/retention")
    expect(page.get_by_test_id("kept")).to_contain_text("400 天")
    gone = page.get_by_test_id("removed")
    expect(gone).to_have_count(3)
    expect(gone.nth(0)).to_contain_text("1 分钟、1 小时汇总")
    expect(gone.nth(1)).to_contain_text("1 小时汇总")
    page.goto(page.url.partition("#")[0] + "#/system/backups")
    expect(page.get_by_test_id("written")).to_have_text(["0 KB", "205 KB", "4.8 MB"])
    expect(page.get_by_test_id("backup-row").first).to_contain_text("backup 空间不够：需要 412 MiB")
    assert not faults


@pytest.mark.browser
@pytest.mark.slow
def test_what_was_set_aside_is_tried_and_dismissed(opened, pictures):
    from playwright.sync_api import expect

    page, faults = opened("/system/store")
    row = page.get_by_test_id("aside-row").filter(has_text="gw-shore")
    expect(row).to_have_attribute("data-state", "open", timeout=20_000)
    row.click()
    drill = page.get_by_test_id("aside-drill")
    page.get_by_test_id("rebuild").click()
    expect(page.get_by_test_id("outcome")).to_contain_text("证据里已没有这些批次")
    page.get_by_test_id("dismiss").click()
    expect(drill.get_by_text("要写原因")).to_be_visible()
    if pictures:
        page.screenshot(path=pictures / "system-store-drill-zh-1366.png")
    drill.get_by_label("核销原因").fill("试运行的数据")
    page.get_by_test_id("dismiss").click()
    expect(row).to_have_attribute("data-state", "dismissed")
    expect(drill.get_by_text("试运行的数据")).to_be_visible()
    page.keyboard.press("Escape")
    expect(drill).to_be_hidden()
    assert not faults


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_no_page_is_wider_than_its_window(opened, pictures, language, viewport):
    page, faults = opened("/system/calendar", viewport, language)
    for part in (
        *PARTS,
        "calendar?list=faults",
        "calendar?list=holidays",
        "calendar?new=1",
        "deliveries?every=10",
    ):
        page.goto(page.url.partition("#")[0] + f"#/system/{part}")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(400)  # for the picture: late grey bars
        if pictures:
            name = re.sub(r"\W+", "-", part)
            page.screenshot(path=pictures / f"system-{name}-{language}-{viewport['width']}.png")
        too_wide = page.evaluate(
            "() => [...document.querySelectorAll('main, .panel-body')]"
            ".filter(one => one.scrollWidth > one.clientWidth + 1)"
            ".map(one => one.className || one.id)"
        )
        assert not too_wide, part
    assert not faults
