"""Sizes and names one can count on, and what the tests themselves must not do."""

import ast
import re

from tests.every_file import ROOT, every, tree

SOURCES = [
    file
    for room in ("protocols", "edge", "central")
    for file in sorted((ROOT / room).rglob("*.py"))
    if "node_modules" not in file.parts
]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
BANNED_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "manager",
    "service",
    "handler",
    "base",
}
SLEEPS = re.compile(r"\b(time\.sleep|asyncio\.sleep)\(\s*([0-9.]+)?")


@every(SOURCES)
def test_no_module_over_300_lines(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 300


@every(SOURCES)
def test_functions_fit_a_screen(file):
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            assert node.end_lineno - node.lineno <= 70, f"{node.name} is too long"


@every(SOURCES)
def test_names_say_what_is_inside(file):
    assert not BANNED_NAMES & set(file.relative_to(ROOT).with_suffix("").parts)


@every(SOURCES)
def test_every_module_says_what_it_is(file):
    assert ast.get_docstring(tree(file))


@every(TESTS)
def test_no_test_sleeps_and_hopes(file):
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        found = SLEEPS.search(line)
        # A wait inside a bounded poll is named as such; anything longer is hoping.
        hoping = found and found.group(2) and float(found.group(2)) > 0.2
        assert not hoping, f"line {number} sleeps {found.group(2)} s"


@every(TESTS)
def test_every_test_asserts_something(file):
    for node in ast.walk(tree(file)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not node.name.startswith("test_"):
            continue
        body = ast.dump(node)
        checks = (
            "Assert(",
            "raises",
            "fail",
            "check",
            "assert_",
            "expect",
            "verify",
            "is_",
            "suite",
        )
        assert any(word in body for word in checks), f"{node.name} asserts nothing"
