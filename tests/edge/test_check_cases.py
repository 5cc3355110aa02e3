"""Every folder of tests/testcases/config: exactly the named errors, in both languages and as JSON.

A case holds `edge.yaml` or `profile.yaml` and `expected.json`, one line per problem.
"""

import json
import re
import shutil
from pathlib import Path

import pytest

from edge.check_child import check
from protocols.problems import as_json, as_line, sentence
from protocols.texts import FOLDER, catalogue

CASES = Path(__file__).resolve().parents[1] / "testcases" / "config"
PREFIXES = ("YAML_", "FILE_", "KEY_", "TYPE_", "LEVEL_", "LIMIT_", "SECRET_", "PROFILE_", "CHECK_")
FOLDERS = sorted(folder for folder in CASES.iterdir() if folder.is_dir())


def laid_out(case, folder, monkeypatch):
    """Copy a case to `folder` with a sound token beside it; return its file as a user names it."""
    shutil.copytree(case, folder, dirs_exist_ok=True)
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text("secret", encoding="ascii")
    monkeypatch.chdir(folder)
    return next(file for file in (Path("edge.yaml"), Path("profile.yaml")) if file.exists())


def test_there_are_enough_of_them():
    assert len(FOLDERS) >= 12


@pytest.mark.parametrize("case", FOLDERS, ids=lambda case: case.name)
def test_exactly_these_problems(case, tmp_path, monkeypatch):
    file = laid_out(case, tmp_path, monkeypatch)
    kind, found = check(file)
    assert kind == "problems"
    told = [
        {
            "file": problem.file,
            "line": problem.line,
            "key": problem.key,
            "code": problem.code,
            "zh": sentence(problem, "zh").replace(str(tmp_path), "<folder>"),
            "en": sentence(problem, "en").replace(str(tmp_path), "<folder>"),
        }
        for problem in found
    ]
    assert told == json.loads((case / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", FOLDERS, ids=lambda case: case.name)
def test_text_and_json_say_the_same(case, tmp_path, monkeypatch):
    _, found = check(laid_out(case, tmp_path, monkeypatch))
    for problem in found:
        for language in ("zh", "en"):
            row = json.loads(as_json(problem, language))
            assert set(row) == {"file", "line", "key", "code", "value", "allowed", "message"}
            place = f"{row['file']}:{row['line']}" if row["line"] else row["file"]
            key = f" {row['key']}" if row["key"] else ""
            assert as_line(problem, language) == f"{place}{key}: {row['message']}"
            assert "{" not in row["message"].replace("{zh: 中文, en: English}", "").replace(
                str(row["value"]), ""
            )
            assert all(allowed in row["message"] for allowed in row["allowed"])


def test_a_secret_in_an_address_is_not_repeated(tmp_path, monkeypatch):
    _, found = check(laid_out(CASES / "url-with-secret", tmp_path, monkeypatch))
    assert found
    assert not [problem for problem in found if "secret" in as_json(problem, "zh")]


def test_every_sentence_is_used_and_every_code_has_one():
    root = CASES.parents[2]
    sources = [root / "protocols" / "errors.py", root / "edge" / "check.py"]
    sources += [
        *(root / "protocols" / "schema").glob("*.py"),
        *(root / "edge" / "schema").glob("*.py"),
    ]
    text = "".join(file.read_text(encoding="utf-8") for file in sources)
    used = set(re.findall(r'"([A-Z][A-Z0-9]+_[A-Z0-9_]+|CONFIG|OVERLAP)"', text)) - {
        "WIRE_TOO_LARGE"
    }
    sentences = json.loads((FOLDER / "zh" / "config.json").read_text(encoding="utf-8"))
    assert set(sentences) - used == set()
    known = set(catalogue("zh"))
    assert {code for code in used if code.startswith(PREFIXES)} - known == set()
