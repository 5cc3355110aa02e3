"""A demo clears only what a demo made, and never the folder of a demo that lives."""

import os

import pytest

from protocols.simulators.demo_folder import DemoFolder, FolderRefused


@pytest.fixture
def held(tmp_path):
    folder = DemoFolder(tmp_path / "demo")
    folder.take()
    yield folder
    folder.release()


def test_a_second_demo_does_not_clear_the_first_ones_folder(held):
    (held.path / "data").write_text("alive")
    with pytest.raises(FolderRefused) as refused:
        DemoFolder(held.path).take()
    assert refused.value.code == "DEMO_FOLDER_TAKEN"
    assert (held.path / "data").read_text() == "alive"


def test_the_next_demo_finds_it_empty(held):
    (held.path / "log").mkdir()
    (held.path / "log" / "a").write_text("old")
    (held.path / "outside").symlink_to(held.path.parent)
    held.release()
    after = DemoFolder(held.path)
    after.take()
    assert [entry.name for entry in held.path.iterdir()] == ["demo.lock"]
    assert held.path.parent.is_dir()
    after.release()


def test_what_is_not_a_demos_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years")
    with pytest.raises(FolderRefused) as refused:
        DemoFolder(tmp_path).take()
    assert refused.value.code == "DEMO_FOLDER_FOREIGN"
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_its_place_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderRefused) as refused:
        DemoFolder(tmp_path / "file" / "demo").take()
    assert refused.value.code == "DEMO_FOLDER"
    assert "Not a directory" in refused.value.params["reason"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_one_may_not_write_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(FolderRefused) as refused:
        DemoFolder(tmp_path / "demo").take()
    assert refused.value.code == "DEMO_FOLDER"
