"""Every code that people can meet has a sentence in both languages."""

import ast
import json
import re
from pathlib import Path

import pytest

from central.api import errors
from central.rules.meant import Why
from protocols.alarms.attachment import Scope
from protocols.alarms.rule import Colour
from protocols.alarms.word import Word
from protocols.texts import FOLDER, LANGUAGES, catalogue

ROOT = Path(__file__).resolve().parents[3]
CODE = re.compile(r"[A-Z][A-Z0-9_]{3,}")
CALLS = {"ApiError", "text", "_said", "PasswordNotGiven"}
"""Calls whose literal code reaches a person."""


def codes_in(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if [getattr(target, "id", "") for target in targets] == ["code"]:
                yield from literals(node.value)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in CALLS:
            for argument in node.args:
                yield from literals(argument)


def literals(node):
    for item in ast.walk(node) if node is not None else ():
        value = item.value if isinstance(item, ast.Constant) else None
        if isinstance(value, str) and CODE.fullmatch(value) and not value.endswith("_"):
            yield value  # what ends so is completed by a word of ours: COMPOSED


FOUND = {
    code
    for folder in ("api", "identity", "commands")
    for file in (ROOT / "central" / folder).rglob("*.py")
    for code in codes_in(file)
}


COMPOSED = {
    *(f"RULES_PASSED_{why.value.upper()}" for why in Why),
    *(f"RULES_SCOPE_{scope.name}" for scope in Scope),
    *(f"RULES_{colour.name}" for colour in Colour),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_sentence(language):
    known = set(catalogue(language))
    assert known >= COMPOSED
    assert {"LOGIN_REFUSED", "ADDRESS_TAKEN", "CABLE_SILENT", "AUDIT_BROKEN"} <= FOUND
    assert FOUND | set(errors.STATUS) | set(errors._BY_STATUS.values()) <= known


def test_both_languages_take_the_same_parameters():
    chinese, english = catalogue("zh"), catalogue("en")
    for code in FOUND | COMPOSED:
        names = [set(re.findall(r"{(\w+)}", text[code])) for text in (chinese, english)]
        assert names[0] == names[1], code


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_stands_in_one_file_only(language):
    files = sorted((FOLDER / language).glob("*.json"))
    codes = [code for file in files for code in json.loads(file.read_text(encoding="utf-8"))]
    assert sorted(codes) == sorted(set(codes)), "a later file would silently replace the sentence"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_has_a_word_for_every_word_of_the_journal(language):
    page = (ROOT / "central" / "web" / "src" / "i18n" / f"{language}.ts").read_text("utf-8")
    said = page[page.index("  journal: {") :]
    known = set(re.findall(r"^    (\w+): \"", said[: said.index("\n  },")], re.MULTILINE))
    assert known == {word.value for word in Word}
