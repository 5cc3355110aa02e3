"""`scripts/setup`: which interpreter it takes, and what it says where one does not do."""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SETUP = Path(__file__).resolve().parents[1] / "scripts" / "setup"


@pytest.fixture(scope="module")
def python() -> Callable[[], str]:
    found: Callable[[], str] = runpy.run_path(str(SETUP), run_name="setup")["python"]
    return found


def test_an_interpreter_that_is_named_is_taken(
    python: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENGSUI_PYTHON", sys.executable)
    assert python() == sys.executable


@pytest.mark.parametrize("named", ["/nowhere/python3", "/bin/false"])
def test_one_that_does_not_do_is_refused_by_name_in_both_languages(
    python: Callable[[], str], monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("FENGSUI_PYTHON", named)
    with pytest.raises(SystemExit, match=rf"FENGSUI_PYTHON={named}: 需要.*must be") as refused:
        python()
    assert "3.11" in str(refused.value)


def test_the_distributions_own_is_taken_where_none_is_named(
    python: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FENGSUI_PYTHON", raising=False)
    own = python.__globals__["DISTRIBUTION"]
    assert python() == (own if python.__globals__["fits"](own) else sys.executable)
