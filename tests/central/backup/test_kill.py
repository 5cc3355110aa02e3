"""kill -9 while a backup is made: readings are there, and every backup that is listed is whole."""

import os
import shutil
import subprocess
import sys
from collections import Counter

import pytest

from central.backup import blocks, incremental, manifest
from central.backup.restore import checked
from tests.central.store.test_kill import MOMENTS, ROOT, everything

FORMS = ("incremental", "full")
STEPS = [(form, "central.backup", nth) for nth in range(1, 5) for form in FORMS]
STEPS += [("incremental", "central.backed", 1), ("incremental", "central.backed", 2)]
"""The first four steps of the process that copies; the collector before and after it enters."""
NOBODY = ("incremental", "central.opening", 1)


@pytest.fixture
def victim(tmp_path):
    """Return what lives once and says whether it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.central.backup.victim", str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )

    def live(form, phase, nth):
        print(form, phase, nth, file=process.stdin, flush=True)
        return process.stdout.readline().strip()

    with process:
        yield live
        process.stdin.close()


async def test_killed_while_a_backup_is_made(victim, tmp_path):
    folder, known = tmp_path / "backups", set()
    for nth in range(MOMENTS):
        step = STEPS[nth % len(STEPS)]
        assert victim(*step) == ("killed" if "backed" in step[1] else "lived")
        listed = manifest.listing(folder)
        for each in listed if len(listed) > len(known) else ():
            checked(folder / each.file, lambda *_: None)
        known = {each.file for each in listed}
    assert victim(*NOBODY) == "lived"
    children = sum(STEPS[nth % len(STEPS)][1] == "central.backup" for nth in range(MOMENTS))
    assert (tmp_path / "failed").read_text().splitlines() == ["BACKUP_ENDED -9"] * children
    listed = manifest.listing(folder)
    assert len(listed) == 3
    acknowledged = (tmp_path / "acknowledged").read_text().splitlines()
    assert await everything(tmp_path) == Counter(acknowledged)
    assert await read_back(folder / listed[0].file, tmp_path) == Counter(acknowledged)
    for each in listed:
        checked(folder / each.file, lambda *_: None)
    only_what_is_listed(folder, listed)


async def read_back(file, tmp_path):
    """Return every reading of a backup."""
    place = tmp_path / "restored"
    place.mkdir()
    if blocks.is_list(file):
        incremental.put_together(file, place / "collector.db", lambda *_: None)
    else:
        shutil.copyfile(file, place / "collector.db")
    return await everything(place)


def only_what_is_listed(folder, listed):
    files = {folder / each.file for each in listed}
    files |= {manifest.beside(file) for file in files}
    assert set(folder.iterdir()) == files | {folder / manifest.LOCK, folder / blocks.FOLDER}
    named = set()
    for each in listed:
        if blocks.is_list(folder / each.file):
            named |= set(blocks.read(folder / each.file).names)
    assert {file.name for file in (folder / blocks.FOLDER).rglob("*") if file.is_file()} == named
