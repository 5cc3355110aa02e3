"""From a device on the wire to an alarm on a page: the demo, the browser, the cable."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from protocols.clock import real_monotonic
from protocols.simulators.demo import Demo, DemoFailed, Timing, free_port
from protocols.texts import text

ROOT = Path(__file__).resolve().parents[2]
TANK = "honghaiwan/gw-honghaiwan/depot/lt-101"
WATER = "qingyun/gw-qingyun/dam/rsv-wl"


def watched(page):
    """Collect what a page must never do."""
    faults = []
    page.on("pageerror", lambda error: faults.append(f"pageerror {error}"))
    page.on(
        "console",
        lambda line: faults.append(f"console {line.text}") if line.type == "error" else None,
    )
    return faults


def seconds(age):
    """Turn `12 s`, `7 min`, `2 h 14 min` into seconds."""
    found = re.fullmatch(r"(?:(\d+) h )?(?:(\d+) min)?(?:(\d+) s)?", age.strip())
    assert found, f"{age!r} is not an age"
    hours, minutes, rest = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + rest


@pytest.mark.browser
@pytest.mark.slow
def test_the_page_shows_the_tank_acknowledges_it_and_ages_when_cut(demo, browser, pictures):
    from playwright.sync_api import expect

    context = browser.new_context(
        locale="zh-CN", timezone_id="Asia/Shanghai", viewport={"width": 1366, "height": 768}
    )
    page = context.new_page()
    faults = watched(page)

    def picture(name):
        if pictures:
            page.screenshot(path=pictures / f"{name}.png")

    page.goto(demo.link)
    expect(page.get_by_text("演示数据").first).to_be_visible(timeout=20_000)
    expect(page.get_by_text("故事时钟 ×5").first).to_be_visible()
    picture("overview-zh")

    base = demo.link.split("#")[0]
    page.goto(f"{base}#/alarms")
    red = page.locator(f'[data-testid="alarm-row"][data-level="red"][data-point="{TANK}"]')
    expect(red).to_be_visible(timeout=60_000)
    expect(red).to_contain_text("红海湾示例储运")
    expect(red).to_contain_text("13.8")
    picture("alarms-zh")
    red.click()
    page.get_by_test_id("acknowledge").click()
    expect(page.get_by_text("已确认").first).to_be_visible(timeout=10_000)
    picture("acknowledged-zh")

    page.goto(f"{base}#/points?site=qingyun")
    age = page.locator(f'[data-point="{WATER}"] [data-testid="age"]').first
    expect(age).to_be_visible(timeout=20_000)
    page.goto(f"{base}#/health")
    page.get_by_test_id("cable-gw-qingyun").click()
    picture("cable-zh")
    page.goto(f"{base}#/points?site=qingyun")
    before = seconds(age.inner_text())
    expect(page.locator("body")).to_be_visible()
    deadline = real_monotonic() + 30
    grown = before
    while grown < before + 60 and real_monotonic() < deadline:
        page.wait_for_timeout(200)
        grown = seconds(age.inner_text())
    picture("points-cut-zh")
    assert grown >= before + 60, f"age went from {before} s to {grown} s"

    page.goto(f"{base}#/alarms")
    page.get_by_role("button", name="EN").click()
    expect(page.locator("html")).to_have_attribute("lang", re.compile("en"))
    expect(page.get_by_text("Demo data").first).to_be_visible()
    picture("alarms-en")
    context.close()
    assert not faults


@pytest.mark.browser
@pytest.mark.slow
def test_a_link_opened_on_the_login_page_logs_in(demo, browser):
    from playwright.sync_api import expect

    config = demo.folder / "central.yaml"
    printed = demo.children.ask("central", ["create-admin", config, "night", "--login-link"])
    code = printed.rsplit("code=", 1)[1].split()[0]
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    base = demo.link.split("#")[0]
    page.goto(base)
    expect(page.get_by_role("button", name="登录")).to_be_visible(timeout=20_000)
    page.goto(f"{base}#/login?code={code}")
    expect(page.get_by_text("未结束报警").first).to_be_visible(timeout=20_000)
    context.close()


@pytest.mark.slow
def test_a_taken_port_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DemoFailed) as failed:
            Demo(tmp_path / "demo", port, Timing()).start()
    sentence = text(failed.value.code, failed.value.params, "zh")
    assert str(port) in sentence
    assert "make demo PORT=" in sentence


def running_below(folder):
    """Return the processes whose command line names `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if str(folder) in command and int(entry.name) != os.getpid():
                found.append(command.replace("\0", " "))
    return found


@pytest.mark.slow
def test_ctrl_c_ends_every_process(tmp_path):
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "protocols.simulators", "demo"]
    process = subprocess.Popen(
        [*command, "--port", str(free_port()), "--folder", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    try:
        said = ""
        while "login?code=" not in said:
            line = process.stdout.readline()
            assert line, "the demo ended before it was ready"
            said += line
        assert len(running_below(folder)) >= 4
        process.send_signal(2)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
    assert running_below(folder) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=["ctrl-c", "closed"])
def test_it_ends_in_the_middle_of_starting(tmp_path, number):
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "protocols.simulators", "demo", "--folder", str(folder)]
    process = subprocess.Popen(
        [*command, "--port", str(free_port())],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        pause = threading.Event()
        while not (folder / "log" / "plant.log").exists() and process.poll() is None:
            pause.wait(0.02)
        os.killpg(process.pid, number)
        said = process.communicate(timeout=20)[1]
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, said) == (0, "")
    assert running_below(folder) == []
