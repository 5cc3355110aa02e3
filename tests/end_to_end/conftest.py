"""The demo, really running, and a real browser in front of it."""

import ctypes
import os
from pathlib import Path

import pytest

from protocols.simulators.demo import Demo, Timing, free_port

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
]


def require_browser():
    """Skip where there is no browser, or not what its driver (a bundled Node.js) is linked to."""
    if not CHROMIUM.exists():
        pytest.skip("没有 chromium / no chromium: apt-get install chromium fonts-wqy-microhei")
    try:
        ctypes.CDLL("libatomic.so.1")
    except OSError:
        pytest.skip("没有 libatomic / no libatomic: apt-get install libatomic1")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo, started a story minute before the tank reaches 高高报."""
    running = Demo(
        tmp_path_factory.mktemp("demo"), free_port(), Timing(start="22:05:00", past_seconds=5)
    )
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium, headless."""
    require_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def pictures():
    """Where pictures go when someone wants to look (PICTURES=folder), else None."""
    folder = os.environ.get("PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder) if folder else None
