"""From a code made on the page to the first reading: a browser, a terminal on site, two entries."""

import asyncio
import hashlib
import os
import pty
import re
import select
import signal
import ssl
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from edge.check import load_config
from protocols.clock import SystemClock, real_monotonic
from protocols.modbus.simulator import Simulator
from protocols.simulators.demo import free_port
from tests.end_to_end.between import Between
from tests.end_to_end.conftest import CHROMIUM, FLAGS, require_browser

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90
CENTRAL = "format: v1\ndatabase: data/collector.db\nlisten:\n  port: 0\n  tls: own\n"
EDGE = """\
format: v1
gateway: {{name: gw-1, label: {{zh: 网关}}, site: s1}}
purpose: test
collector: {{url: "{url}", timeout: 5}}
buffer: {{folder: buffer}}
health: {{host: 127.0.0.1, port: {health}}}
sites:
  - {{name: s1, label: {{zh: 油库}}, region: "441502", domain: hazardous_chemicals}}
buses:
  - name: tank-farm
    protocol: modbus
    transport: tcp
    host: 127.0.0.1
    port: {port}
    timeout: 0.5
    devices:
      - {{name: tk-101, profile: example/tankfarm-modbus, device_id: 1, scan: 0.2}}
"""


def signals(_device, point, now):
    """Some move all the time, so that there is always something to send."""
    return 1.0 + (now // 100_000) % 1000 / 4 % 12 if point in ("lt-101", "tt-101") else 1


def command(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def started(*arguments, **more):
    process = subprocess.Popen([sys.executable, "-m", *map(str, arguments)], cwd=ROOT, **more)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def collector(folder):
    """A collector with a CA of its own; yields its configuration and address."""
    config = folder / "central.yaml"
    config.write_text(CENTRAL, encoding="utf-8")
    with started(
        "central", "run", config, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        line = process.stdout.readline()
        found = re.search(r"https://127\.0\.0\.1:\d+", line)
        assert found, line
        yield config, found[0]
        process.stdout.close()


class Terminal:
    """What a technician sees and types."""

    def __init__(self, *arguments):
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", *map(str, arguments)],
            cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        self.seen = ""

    def read_until(self, pattern):
        while not (found := re.search(pattern, self.seen)):
            assert select.select([self._ours], [], [], PATIENCE)[0], self.seen
            try:
                more = os.read(self._ours, 4096)
            except OSError:  # the program has ended
                more = b""
            assert more, self.seen
            self.seen += more.decode(errors="replace")
        return found

    def type(self, text):
        os.write(self._ours, f"{text}\n".encode())

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@contextmanager
def terminal(*arguments):
    made = Terminal(*arguments)
    try:
        yield made
    finally:
        made.close()


@asynccontextmanager
async def plant(folder, url):
    """A device on the wire and the gateway's configuration for it; no token anywhere."""
    file, health = folder / "edge.yaml", free_port()
    file.write_text(EDGE.format(url=url, health=health, port=1), encoding="utf-8")
    devices = (await asyncio.to_thread(load_config, file)).buses[0].devices
    simulator = Simulator(devices, signals, SystemClock())
    await simulator.listen("127.0.0.1", 0, "tcp")
    text = EDGE.format(url=url, health=health, port=simulator.port)
    file.write_text(text, encoding="utf-8")
    try:
        yield file, health
    finally:
        await simulator.close()


@asynccontextmanager
async def person(config, url):
    """Somebody on duty, logged in by a link."""
    printed = await asyncio.to_thread(
        command, "central", "create-admin", config, "duty", "--login-link"
    )
    code = re.search(r"code=(\S+)", printed)[1]
    trusted = ssl.create_default_context(cafile=config.parent / "data" / "tls" / "ca.pem")
    headers = {"X-Requested-With": "fengsui"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, verify=trusted) as browser:
        assert (await browser.post("/api/v1/session/link", json={"code": code})).status_code == 200
        yield browser


@asynccontextmanager
async def page_of(config, url, pictures):
    """The console in a real browser, logged in by a link; a picture of each step if asked for."""
    require_browser()
    from playwright.async_api import async_playwright

    printed = await asyncio.to_thread(
        command, "central", "create-admin", config, "duty", "--login-link"
    )
    code = re.search(r"code=(\S+)", printed)[1]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        context = await browser.new_context(
            locale="zh-CN", ignore_https_errors=True, viewport={"width": 1366, "height": 768}
        )
        page = await context.new_page()
        faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        await page.goto(f"{url}/#/login?code={code}")
        await page.get_by_text("未结束报警").first.wait_for(timeout=20_000)

        async def picture(name):
            if pictures:
                await page.screenshot(path=pictures / f"enrol-{name}.png")

        yield page, picture
        await browser.close()
        assert not faults


async def until(look, what):
    end = real_monotonic() + PATIENCE
    while not (found := await look()):
        assert real_monotonic() < end, f"never: {what}"
        await asyncio.sleep(0.1)
    return found


async def make_code(page, picture):
    """Make a code as an administrator does; return it as the sheet shows it."""
    await page.goto(f"{page.url.split('#')[0]}#/onboarding/gateways")
    await page.get_by_test_id("make").click()
    await page.locator("[data-field=gateway] input").fill("gw-1")
    await page.locator("[data-field=site] input").fill("s1")
    await page.get_by_role("button", name="发码").click()
    code = (await page.get_by_test_id("code").inner_text()).strip()
    sheet = page.get_by_test_id("sheet")
    assert (await sheet.get_attribute("data-text")).endswith(code)
    await picture("sheet")
    await page.get_by_test_id("sheet-done").click()
    return code


async def approve(page, picture, digits):
    """Wait until the gateway shows up by itself, type wrong digits, then those that were read."""
    from playwright.async_api import expect

    row = page.locator('[data-testid="key-row"][data-gateway="gw-1"]')
    await expect(row).to_have_attribute("data-standing", "pending", timeout=20_000)
    assert digits not in await page.content()
    await page.get_by_test_id("digits").fill(f"{(int(digits) + 1) % 1_000_000:06}")
    await page.get_by_test_id("approve").click()
    await expect(page.get_by_test_id("refused")).to_contain_text("不一致")
    await picture("digits-differ")
    await page.get_by_test_id("digits").fill(digits)
    await page.get_by_test_id("approve").click()
    await expect(page.get_by_test_id("done")).to_contain_text("已启用")
    await expect(row).to_have_attribute("data-standing", "active")
    await picture("approved")


async def revoke(page):
    """Revoke the key, once the consequence has been read."""
    from playwright.async_api import expect

    await page.goto(f"{page.url.split('#')[0]}#/onboarding/gateways/gw-1")
    await page.get_by_test_id("revoke").click()
    await expect(page.get_by_role("dialog")).to_contain_text("下一个请求起拒收")
    await page.get_by_test_id("confirm-act").click()
    row = page.locator('[data-testid="key-row"][data-gateway="gw-1"]')
    await expect(row).to_have_attribute("data-standing", "revoked", timeout=20_000)


@pytest.mark.browser
@pytest.mark.slow
async def test_from_a_printed_code_to_the_first_reading_with_two_entries(tmp_path, pictures):
    from playwright.async_api import expect

    with collector(tmp_path) as (config, url):
        async with plant(tmp_path, url) as (edge, health), page_of(config, url, pictures) as seen:
            page, picture = seen
            code = await make_code(page, picture)
            with terminal("edge", "enrol", edge) as site:
                await asyncio.to_thread(site.read_until, "入网码（派工单上")
                site.type(code.lower().replace("-", " "))  # the first entry
                found = await asyncio.to_thread(site.read_until, r"校验数字 (\d{6})")
                site.process.send_signal(signal.SIGINT)  # called away: nothing is lost by it
                await asyncio.to_thread(site.read_until, "还在等批准")
                assert await asyncio.to_thread(site.process.wait, PATIENCE) == 130
            with terminal("edge", "enrol", edge, code) as site:
                again = await asyncio.to_thread(site.read_until, r"校验数字 (\d{6})")
                assert again[1] == found[1]
                await approve(page, picture, found[1])  # the second
                await asyncio.to_thread(site.read_until, "入网成功")
                assert await asyncio.to_thread(site.process.wait, PATIENCE) == 0

            async def refused():
                async with httpx2.AsyncClient() as local:
                    answer = await local.get(f"http://127.0.0.1:{health}/health")
                return "KEY_REVOKED" in answer.text

            with started("edge", "run", edge, stderr=subprocess.DEVNULL):
                await expect(
                    page.locator('[data-testid="key-row"] [data-testid="age"]')
                ).to_have_attribute("data-seconds", re.compile(r"\d+"), timeout=60_000)
                await page.goto(f"{page.url.split('#')[0]}#/points?site=s1")
                good = page.locator('[data-testid="point-row"] [data-testid="quality"]')
                await expect(good.filter(has_text="正常").first).to_be_visible(timeout=60_000)
                await picture("first-reading")
                await revoke(page)
                assert await until(refused, "the gateway hears that its key is revoked")
                await picture("revoked")
            key = tmp_path / "identity" / "gateway.key"
            assert key.stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
async def test_whoever_ends_tls_in_between_gets_nothing_and_is_told_of(tmp_path):
    with collector(tmp_path) as (config, url):
        async with plant(tmp_path, url) as (edge, _), person(config, url) as duty:
            shown, parts = [], urlsplit(url)
            address = (parts.hostname, parts.port)

            def as_if_ours(path, said):
                """The cunning one says that the gateway saw the collector's own certificate."""
                if path.endswith("hello"):
                    shown.append(ssl.get_server_certificate(address))
                    der = ssl.PEM_cert_to_DER_cert(shown[-1])
                    said["certificate"] = hashlib.sha256(der).hexdigest()
                return said

            def enrol(between):
                done = subprocess.run(
                    [sys.executable, "-m", "edge", "enrol", str(edge), code, "--url", between.url],
                    cwd=ROOT, capture_output=True, text=True,
                )  # fmt: skip
                assert done.returncode == 1, done.stdout
                return done.stderr

            made = await duty.post("/api/v1/enrolment/codes", json={"gateway": "gw-1"})
            code = made.json()["code"]
            with Between(tmp_path, url) as simple:
                assert "证书不是本平台的" in await asyncio.to_thread(enrol, simple)
            with Between(tmp_path, url, as_if_ours) as cunning:
                assert "此码已作废" in await asyncio.to_thread(enrol, cunning)
            assert shown
            found = (await duty.get("/api/v1/enrolment")).json()
            assert [each["state"] for each in found["codes"]] == ["burnt"]
            assert found["keys"] == []
            events = {each["code"] for each in (await duty.get("/api/v1/events")).json()["items"]}
            assert {"ENROLMENT_BETWEEN", "ENROLMENT_CODE_BURNT"} <= events
            assert not (tmp_path / "identity" / "gateway.key").exists()
            assert not (tmp_path / "identity" / "trust.json").exists()
