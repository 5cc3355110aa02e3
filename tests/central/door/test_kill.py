"""kill -9 around the commit: the same key again is answered, and nothing is lost or doubled."""

import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from protocols.clock import SystemClock
from protocols.crash_points import VARIABLE
from tests.bench.collector import CollectorProcess
from tests.central.door.plant import DESCRIPTION, SITE
from tests.central.stored import with_readings

POINTS = (f"{SITE}/tank/level", f"{SITE}/tank/flow", "nowhere")


class Doomed(CollectorProcess):
    """A collector that kills itself where it is told to, and can be started again."""

    def restart(self):
        assert self._process.wait(30) == -signal.SIGKILL
        with (self.folder / "collector.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "central", "run", str(self._config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={name: value for name, value in os.environ.items() if name != VARIABLE},
            )
        self.door.wait_healthy(lambda: None)

    def ask(self, method, path, token, body, key="-"):
        """Return (status, answer); status 0: the line was cut."""
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        headers["Content-Type"] = "application/json"
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            line.request(method, path, json.dumps(body), headers)
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            return 0, None
        finally:
            line.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("phase", "stored"), [("central.received", False), ("central.answering", True)]
)
def test_the_same_key_after_a_kill(tmp_path, monkeypatch, phase, stored):
    with monkeypatch.context() as patch:
        patch.setenv(VARIABLE, f"{phase}:1")
        collector = Doomed(tmp_path).__enter__()
    try:
        config = str(collector._config)
        collector._central("virtual", "create", config, "acme", "--site", SITE)
        token = collector._central("virtual", "token", config, "acme").split()[-1]
        url = "/api/v1/virtual-gateways/acme/manifest"
        assert collector.ask("PUT", url, token, DESCRIPTION)[0] == 200
        now = SystemClock().now()
        columns = {"point": list(POINTS), "time_us": [now - 2, now - 1, now], "value": [1, 2, 3]}
        sent = ("POST", "/api/v1/readings", token, {"columns": columns})
        assert collector.ask(*sent, key="k1")[0] == 0
        collector.restart()
        for duplicate in (stored, True):
            status, answer = collector.ask(*sent, key="k1")
            assert status == 200
            assert answer["duplicate"] == duplicate
            told = (answer["accepted"], answer["known"], answer["quarantined"])
            assert told == (2, 0, 1)
        _, other = collector.ask(*sent, key="k2")
        assert (other["accepted"], other["known"]) == (0, 2)
    finally:
        collector.__exit__(None)
    with closing(sqlite3.connect(collector.database)) as conn:
        assert with_readings(conn).execute("SELECT count(*) FROM reading").fetchone() == (2,)
        assert conn.execute("SELECT count(*) FROM quarantine").fetchone() == (2,)
        assert conn.execute("SELECT code FROM event WHERE kind = 'security'").fetchall() == []
