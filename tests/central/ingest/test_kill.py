"""kill -9 while batches are being committed: what was answered is there, once, and nothing half."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.central.stored import with_readings

ROOT = Path(__file__).resolve().parents[3]
ROUNDS = 3
ANSWERS = 40
PER_BATCH = 50


@pytest.fixture
def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def run_until_killed(folder, environment):
    """Start the victim, count its answers, kill it in the middle of the next commit."""
    command = [sys.executable, "-m", "tests.central.ingest.victim", str(folder), str(PER_BATCH)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as victim:
        answered = []
        for line in victim.stdout:
            stream, committed = line.split()
            answered.append((stream, int(committed)))
            if len(answered) == ANSWERS:
                victim.send_signal(signal.SIGKILL)
        victim.wait()
    return answered


def test_killed_while_committing(tmp_path, environment):
    answered = []
    for _ in range(ROUNDS):
        answered += run_until_killed(tmp_path, environment)
    assert len(answered) >= ROUNDS * ANSWERS
    conn = sqlite3.connect(tmp_path / "collector.db")
    try:
        with_readings(conn)
        cursors = {
            id_: (number, cursor)
            for number, id_, cursor in conn.execute("SELECT number, id, cursor FROM stream")
        }
        for stream, committed in answered:
            assert committed <= cursors[stream][1]
        for number, cursor in cursors.values():
            count, low, high, kinds = conn.execute(
                "SELECT count(*), min(seq), max(seq), count(DISTINCT seq) FROM reading "
                "WHERE stream = ?",
                (number,),
            ).fetchone()
            assert (count, low, high, kinds) == (cursor, 1, cursor, cursor)
            sealed = conn.execute(
                "SELECT sum(n), max(seq0 + n - 1) FROM evidence WHERE stream = ?", (number,)
            ).fetchone()
            assert sealed == (cursor, cursor)
        wrong = conn.execute("SELECT count(*) FROM reading WHERE value <> seq").fetchone()
        assert wrong == (0,)
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        conn.close()
