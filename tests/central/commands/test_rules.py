"""`fengsui-central rules`: read beside a database or without, faults with their lines, files in."""

import contextlib
import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pytest

from central.__main__ import main
from central.commands.rules_told import say_why
from central.rules.alone import ReadBook
from tests.central.rules.builders import TANK, attachment, confirmed, library, place

ROOT = Path(__file__).resolve().parents[3]
FILE = """\
format: v1
rules:
  - id: own.tank-high
    label: {zh: 储罐高液位, en: Tank high}
    quantity: [tank_level]
    unit: m
    source: 设计文件
    levels:
      - {name: H, colour: yellow, op: ">=", limit: 12.5, status: S}
attachments:
  - {rule: own.tank-high, scope: domain, at: "7", reason: 全部储罐}
"""
WRONG = FILE.replace("unit: m\n", "unit: mm3\n").replace("yellow", "amber")


@pytest.fixture
def rules(tmp_path):
    config = tmp_path / "central.yaml"
    config.write_text("format: v1\ndatabase: data/a.db\nlisten: {port: 0}\n", encoding="utf-8")

    def run(verb, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["rules", verb, str(config), *[str(each) for each in arguments]])
        return SimpleNamespace(code=code, out=out.getvalue(), err=err.getvalue())

    run.config = config
    return run


def written(tmp_path, text, name="rules.yaml"):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


def test_what_is_offered_is_told_before_a_collector_was_ever_started(rules):
    sets = rules("sets", "--language", "en")
    assert (sets.code, len(sets.out.splitlines())) == (0, 15)
    assert "7  hazardous-chemicals v1  10 rules, 5 with a level in force" in sets.out
    listed = rules("list", "--domain", 7)
    assert len(listed.out.splitlines()) == 10
    assert "hazardous-chemicals.gas-combustible  v1  生效 2/2 级  可燃气体" in listed.out
    assert not (rules.config.parent / "data").exists()


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "不可用,可用:blue"), ("en", "blue, yellow, orange, red")]
)
def test_faults_are_named_with_their_lines(rules, tmp_path, language, words):
    file = written(tmp_path, WRONG)
    done = rules("check", file, "--language", language)
    assert done.code == 1
    assert f"{file}:6 rules[0].unit: " in done.out
    assert f"{file}:9 rules[0].levels[0].colour: " in done.out
    assert words in done.out
    as_json = rules("check", file, "--json")
    assert '"line": 9' in as_json.out


def test_a_workbook_comes_back_with_sheet_row_and_remarks(rules, tmp_path):
    file = tmp_path / "all.xlsx"
    assert rules("export", file).code == 0
    book = openpyxl.load_workbook(file)
    levels = book.worksheets[1]
    column = next(cell.column for cell in levels[1] if str(cell.value).endswith(" colour"))
    levels.cell(4, column).value = "amber"
    book.save(file)
    marked = tmp_path / "marked.xlsx"
    done = rules("import", file, "--marked", marked)
    assert done.code == 1
    assert f"{file}[{levels.title}]:4 colour: " in done.out
    assert marked.is_file()
    assert rules("check", marked).code == 1


def test_a_file_goes_into_a_stopped_collector_and_out_again(rules, tmp_path):
    file = written(tmp_path, FILE)
    dry = rules("import", file, "--dry-run", "--language", "en")
    assert dry.out.startswith("No faults. Importing it would make 1, change 0, retire 0, attach 1")
    assert "own.tank-high" not in rules("list").out
    assert rules("import", file).out.startswith("已导入：新建 1")
    assert "own.tank-high  v1  未生效 0/1 级" in rules("list").out
    assert rules("import", file).out.startswith("没有问题，与平台相同")
    out = tmp_path / "out.yaml"
    assert "93 rules" in rules("export", out, "--language", "en").out
    assert "own.tank-high" in out.read_text(encoding="utf-8")


def test_what_holds_at_a_point_is_told_with_what_it_passed_over(capsys):
    near = attachment(1, "own.high", "POINT", "site/gw/tank/level")
    far = attachment(2, "own.high", "SITE", "site")
    known = library(confirmed(TANK), attached=[near, far])
    say_why(ReadBook((), known, [place(own=("high",))]), "site/gw/tank/level", "zh")
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("high：own.high v1 高液位，来自点位 site/gw/tank/level")
    assert told[1:3] == ["    黄 H >= 8.5 m", "    红 HH >= 9 m"]
    assert told[3:] == [
        "    未采用 网关清单自带（点位 site/gw/tank/level）：有更近的规则",
        "    未采用 own.high（监测场所 site）：有更近的规则",
    ]


def test_refusals_are_sentences(rules, tmp_path):
    assert "rules.txt" in rules("export", tmp_path / "rules.txt").err
    assert "gone.yaml" in rules("check", tmp_path / "gone.yaml").err
    why = rules("why", "a/b/c/d", "--language", "en")
    assert (why.code, "There is no point a/b/c/d" in why.err) == (1, True)


def test_a_running_collector_takes_the_file_and_keeps_nothing_of_it(rules, tmp_path):
    file = written(tmp_path, FILE)
    arguments = [sys.executable, "-m", "central", "run", str(rules.config)]
    with subprocess.Popen(
        arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert "http://127.0.0.1:" in process.stdout.readline()
            assert rules("import", file).out.startswith("已导入：新建 1")
            assert "own.tank-high" in rules("list").out
            assert rules("import", file).out.startswith("没有问题，与平台相同")
            assert not list((rules.config.parent / "data").glob("rules-import-*"))
        finally:
            process.terminate()
