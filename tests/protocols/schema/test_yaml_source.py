"""Strict YAML: plain data with lines, every mistake of a file in one reading, bounded always."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import ConfigError
from protocols.schema import yaml_events
from protocols.schema.yaml_source import MAX_PROBLEMS, dotted, load, read


@pytest.fixture(params=["C", "Python"])
def reader(request, tmp_path, monkeypatch):
    """Both parsers of PyYAML: a wheel without libyaml must read and refuse alike."""
    if request.param == "Python":
        monkeypatch.setattr(yaml_events, "LOADER", yaml.SafeLoader)

    def of(text):
        file = tmp_path / "file.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read(file)

    return of


def named(source):
    return [(problem.line, problem.key, problem.code) for problem in source.problems]


def test_data_and_places(reader):
    source = reader(
        "# comment\nname: gw-1\nlist:\n  - 1\n  - {x: 0x10, y: 'no'}\n"
        "nested:\n  deep:\n    text: |\n      a\n      b\n"
    )
    assert source.problems == ()
    assert source.data == {
        "name": "gw-1",
        "list": [1, {"x": 16, "y": "no"}],
        "nested": {"deep": {"text": "a\nb\n"}},
    }
    assert source.line(("name",)) == 2
    assert source.line(("list", 1, "y")) == 5
    assert source.places[("list", 1, "y")].column == 15
    assert source.raw(("list", 1, "x")) == "0x10"
    assert source.places[("list", 1, "y")].quoted
    assert source.line(("nested", "deep", "missing")) == 7
    assert source.line(("nowhere",)) == 2


def test_keys_are_always_text(reader):
    assert reader("on: 1\n0: a\ntrue: b\n").data == {"on": 1, "0": "a", "true": "b"}


def test_every_mistake_is_named_at_once(reader):
    source = reader(
        "a: yes\nb: &anchor 1\nc: *anchor\nd: !!str 5\na: 2\ne: 0010\n"
        "f:\n  <<: {x: 1}\n  g: ~\nh:\n"
    )
    assert named(source) == [
        (1, "a", "YAML_YES_NO"),
        (2, "b", "YAML_ANCHOR"),
        (3, "c", "YAML_ALIAS"),
        (4, "d", "YAML_TAG"),
        (5, "a", "YAML_DUPLICATE"),
        (6, "e", "YAML_LEADING_ZERO"),
        (8, "f.<<", "YAML_MERGE"),
        (9, "f.g", "YAML_NULL"),
        (10, "h", "YAML_EMPTY"),
    ]
    assert source.problems[4].params["first"] == 1
    assert source.data["a"] == "yes"
    assert source.is_spoiled(("f", "g"))
    assert not source.is_spoiled(("f",))


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("a: 1\n\tb: 2\n", 2, "YAML_TAB"),
        ("a:\n\tb: 2\n", 2, "YAML_TAB"),
        ("a: b: c\n", 1, "YAML_COLON"),
        ("a: 1\n  b: 2\n", 2, "YAML_COLON"),
        ("x: 1\na: 'q\nb: 2\n", 2, "YAML_QUOTE"),
        ('a: "\\x"\n', 1, "YAML_QUOTE"),
        ("x: 1\na: [1, 2\nb: 3\n", 2, "YAML_BRACKET"),
        ("a: {b: 1\nc: 2\n", 1, "YAML_BRACKET"),
        ("a: 1\nb\n", 2, "YAML_NO_COLON"),
        ("a: 1\n- b\n", 2, "YAML_INDENT"),
        ("a:\n  b: 1\n c: 2\n", 3, "YAML_INDENT"),
        ("- a\nb: 1\n", 2, "YAML_INDENT"),
        ("a: @x\n", 1, "YAML_CHARACTER"),
        ("a: %x\n", 1, "YAML_CHARACTER"),
        ("a：1\nb: 2\n", 1, "YAML_WIDE_COLON"),
        ("a: 1\nb：2\n", 2, "YAML_WIDE_COLON"),
        ("a: 1\n  - name：2\n   x: 1\n", 2, "YAML_WIDE_COLON"),
        ("汉字: 1\nb: \x00\n", 2, "YAML_CONTROL"),
        ("a: 1\n--- \nb: 2\n", 2, "YAML_DOCUMENTS"),
        ("? [a, b]\n: 1\n", 1, "YAML_KEY"),
        ("a: " + "[" * 21 + "]" * 21, 1, "YAML_DEPTH"),
        ("a: 1\n*b : 2\n", 2, "YAML_ALIAS"),
        ("", 0, "FILE_EMPTY"),
        ("# only a comment\n", 0, "FILE_EMPTY"),
        (b"a: 1\nb: \xb9\xfe\n", 2, "FILE_NOT_UTF8"),
        ("a: 1\n".encode("utf-16"), 1, "FILE_NOT_UTF8"),
    ],
)
def test_what_cannot_be_read_is_named_where_it_stands(reader, text, line, code):
    source = reader(text)
    assert [(problem.line, problem.code) for problem in source.problems] == [(line, code)]
    assert source.is_spoiled(("anything",))


def test_a_windows_file_reads_like_any_other(reader):
    source = reader(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert source.data == {"a": 1, "b": 2}
    assert source.line(("b",)) == 2


def test_nothing_is_ever_expanded(reader):
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
    )
    source = reader(bomb)
    assert {problem.code for problem in source.problems} == {"YAML_ANCHOR", "YAML_ALIAS"}
    assert len(source.places) < 100


def test_brackets_without_end_cost_nothing(reader):
    source = reader("a: " + "[" * 200_000)
    assert [problem.code for problem in source.problems] == ["YAML_DEPTH"]


def test_too_many_problems_are_counted(reader):
    source = reader("".join(f"k{i}: yes\n" for i in range(MAX_PROBLEMS + 30)))
    assert len(source.problems) == MAX_PROBLEMS + 1
    assert source.problems[-1].code == "MORE_PROBLEMS"
    assert source.problems[-1].params == {"count": 30}


def test_files_that_cannot_be_opened(tmp_path):
    assert [p.code for p in read(tmp_path / "none.yaml").problems] == ["FILE_MISSING"]
    assert [p.code for p in read(tmp_path).problems] == ["FILE_UNREADABLE"]


def test_the_size_limit_is_on_the_byte(tmp_path):
    file = tmp_path / "file.yaml"
    file.write_text("a: " + "x" * 997, encoding="ascii")
    assert read(file, limit=1000).problems == ()
    assert [p.code for p in read(file, limit=999).problems] == ["FILE_TOO_LARGE"]


def test_an_endless_file_is_not_read_to_its_end():
    assert [p.code for p in read(Path("/dev/zero")).problems] == ["FILE_TOO_LARGE"]


def test_load_raises_everything(tmp_path):
    file = tmp_path / "file.yaml"
    file.write_text("a: yes\nb: no\n", encoding="ascii")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert [problem.key for problem in caught.value.problems] == ["a", "b"]
    file.write_text("a: true\n", encoding="ascii")
    assert load(file).data == {"a": True}


def test_paths_are_written_as_people_do():
    assert dotted(("buses", 0, "devices", 2, "unit")) == "buses[0].devices[2].unit"
    assert dotted(()) == ""


YAMLISH = st.text(alphabet="abc01:-[]{},&*!|>'\"#%@`~<=?\t\n 是：.\\", max_size=60)


@settings(deadline=None, max_examples=300)
@given(YAMLISH)
def test_any_text_is_read_or_refused(text):
    source = yaml_events.build("any", text)
    assert source.problems or source.data is not None or text.strip() in ("null", "--- null")
    for problem in source.problems:
        assert 0 <= problem.line <= text.count("\n") + 2
