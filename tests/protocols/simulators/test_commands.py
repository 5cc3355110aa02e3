"""`fengsui-sim` says what is wrong in both languages; no traceback reaches a user."""

import json
import threading

import pytest

from protocols.simulators.__main__ import main
from protocols.simulators.children import Children, Interrupted
from protocols.simulators.demo import DemoFailed, refuse_taken_port

ENTRY = {
    "story": "crane",
    "profile": "example/crane-mqtt",
    "site": "jinting",
    "device": "crane-3",
    "transport": "mqtt",
}


@pytest.mark.parametrize(
    "content",
    [
        b"\xbc\x00",
        b"{",
        b"null",
        b"[]",
        b'{"simulators": 5}',
        b'{"simulators": [5]}',
        b"[" * 100_000,
        json.dumps({"simulators": [{**ENTRY, "story": "rain"}]}).encode(),
        json.dumps({"simulators": [{**ENTRY, "transport": "pigeon"}]}).encode(),
        json.dumps({"simulators": [ENTRY]}).encode(),
    ],
    ids=lambda content: content[:24].decode("latin-1"),
)
def test_a_plant_file_that_is_none_is_refused_by_name(tmp_path, capsys, content):
    file = tmp_path / "plant.json"
    file.write_bytes(content)
    assert main(["plant", str(file)]) == 1
    said = capsys.readouterr().err
    assert str(file) in said
    assert "读不出" in said
    assert "cannot be read" in said


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_plant_file_that_is_not_there(tmp_path, capsys, name):
    assert main(["plant", str(tmp_path / name)]) == 1
    assert "读不出" in capsys.readouterr().err


def test_a_story_that_is_not_there(tmp_path, capsys):
    file = tmp_path / "plant.json"
    file.write_text('{"simulators": []}')
    assert main(["plant", str(file), "--story", str(tmp_path / "none")]) == 1
    said = capsys.readouterr().err
    assert "故事时钟" in said
    assert "story clock" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "0"],
        ["--port", "65536"],
        ["--port", "abc"],
        ["--port", ""],
        ["--start", "18:00"],
        ["--start", "22:60"],
        ["--start", "now"],
        ["--factor", "0"],
        ["--factor", "-1"],
        ["--factor", "nan"],
        ["--factor", "fast"],
    ],
    ids=" ".join,
)
def test_arguments_out_of_range_are_refused_before_anything_starts(capsys, arguments):
    with pytest.raises(SystemExit) as left:
        main(["demo", *arguments])
    assert left.value.code == 2
    assert repr(arguments[1]) in capsys.readouterr().err


@pytest.mark.parametrize("port", [-5, 0, 65_536])
def test_a_port_that_cannot_be_is_not_called_taken(port):
    with pytest.raises(DemoFailed) as failed:
        refuse_taken_port(port)
    assert failed.value.code == "PORT_OUTSIDE"


def test_nobody_waits_on_once_it_is_over(tmp_path):
    over = threading.Event()
    children = Children(tmp_path, over)
    try:
        silent = children.start("silent", "http.server", ["0"], speaks=True)
        assert children.ended() is None
        over.set()
        with pytest.raises(Interrupted):
            silent.first_line()
        assert isinstance(children.ended(), Interrupted)
    finally:
        children.stop()
    assert silent.process.poll() is not None
