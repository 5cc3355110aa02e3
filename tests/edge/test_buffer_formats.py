"""Files of every released format are opened, brought forward and drained to the last byte."""

import json
import shutil
from pathlib import Path

import pytest

from edge.buffer.alarm_file import AlarmFile
from edge.buffer.file import BufferFile
from edge.buffer.format import FORMAT
from edge.buffer.migrations import MIGRATED
from edge.buffer.pages import stored_format
from tests.edge.buffer_fixture import contents

CASES = Path(__file__).parents[1] / "testcases" / "buffer"
RELEASED = sorted(folder.name for folder in CASES.iterdir())


@pytest.fixture(params=RELEASED)
def released(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a copy of what a released version left behind."""
    folder = tmp_path / "buffer"
    shutil.copytree(CASES / request.param, folder)
    return folder


def test_there_is_a_fixture_for_every_format() -> None:
    assert [f"v{number}" for number in range(1, FORMAT + 1)] == RELEASED


async def test_it_drains_to_what_its_own_version_would_have_sent(released: Path) -> None:
    expected = json.loads((released / "expected.json").read_text(encoding="utf-8"))
    assert await contents(released) == expected


def test_it_is_brought_forward_and_can_note_things_about_itself(released: Path) -> None:
    for path in sorted(released.glob("*.db")):
        file = (AlarmFile if path.name == "alarm.db" else BufferFile)(path)
        file.set_meta("thinned", 7)
        assert (file.meta("thinned"), file.meta("unknown")) == (7, None)
        file.close()
        assert stored_format(path, path.with_name(path.name + "-wal")) == FORMAT


def test_an_older_file_is_kept_as_it_was(tmp_path: Path) -> None:
    shutil.copytree(CASES / "v1", tmp_path, dirs_exist_ok=True)
    before = (tmp_path / "alarm.db").read_bytes(), (tmp_path / "alarm.db-wal").read_bytes()
    AlarmFile(tmp_path / "alarm.db").close()
    copy = tmp_path / MIGRATED / "alarm.db.format1"
    assert (copy.read_bytes(), copy.with_name(copy.name + "-wal").read_bytes()) == before
