"""A real plant, gateways and collector as processes, whose data folders can be put back."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge.__main__ import main as enrol
from protocols.clock import real_monotonic
from protocols.simulators.collector_door import CollectorDoor
from protocols.simulators.demo import free_port
from tests.central.stored import with_readings

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 240
POINTS = 20
PROFILE = "\n".join(
    [
        "format: v1",
        "protocol: modbus",
        "label: {zh: 计数点, en: Counters}",
        "vendor: example",
        "model: COUNTERS",
        'firmware: "1"',
        "source: 备份验证",
        "scan: 0.25",
        "points:",
        *(
            f"  - {{name: p{n}, label: {{zh: 计数 {n}, en: Count {n}}}, quantity: point_count, "
            f"unit: 个, type: int, range: [0, 4294967295], "
            f"address: {{table: holding, address: {2 * n}, type: uint32}}}}"
            for n in range(POINTS)
        ),
    ]
)


def until(done, what, process):
    """Wait until `done`; a process that ended meanwhile says why."""
    pause, deadline = threading.Event(), real_monotonic() + PATIENCE
    while not done():
        assert real_monotonic() < deadline, f"not in {PATIENCE} s: {what}\n{process.log()}"
        assert process.alive(), f"{what}: it ended\n{process.log()}"
        pause.wait(0.05)


class Process:
    """`python -m ...`, its log, and what it reports as committed, over all its lives."""

    def __init__(self, log, *command):
        self.command = [sys.executable, "-m", *map(str, command)]
        self.file = log
        self.accepted = Counter()
        self.running = None
        self.follower = None
        self.before = 0
        self.lock = threading.Lock()

    def start(self, *, reports=False):
        self.before = len(self.accepted)
        ends = os.pipe() if reports else None
        more = ["--report-commits", str(ends[1])] if ends else []
        with self.file.open("ab") as log:
            self.running = subprocess.Popen(
                [*self.command, *more],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(ends[1],) if ends else (),
            )
        if ends:
            os.close(ends[1])
            self.follower = threading.Thread(target=self._follow, args=(ends[0],), daemon=True)
            self.follower.start()

    def _follow(self, descriptor):
        with os.fdopen(descriptor, "rb") as pipe:
            for line in pipe:
                if line.endswith(b"\n"):
                    said = json.loads(line)
                    with self.lock:
                        self.accepted[said["stream"], said["seq0"]] += said["n"]

    def newest(self):
        """Return the streams of the last life."""
        with self.lock:
            return {stream for stream, _ in list(self.accepted)[self.before :]}

    def total(self):
        with self.lock:
            return sum(self.accepted.values())

    def stop(self, number=signal.SIGTERM):
        if self.running is not None and self.running.poll() is None:
            self.running.send_signal(number)
            try:
                self.running.wait(20)
            except subprocess.TimeoutExpired:
                self.running.kill()
                self.running.wait()
        self.running = None
        if self.follower is not None:  # what it reported last is heard, too
            self.follower.join()
            self.follower = None

    def alive(self):
        return self.running is not None and self.running.poll() is None

    def log(self):
        return "\n".join(self.file.read_text(errors="replace").splitlines()[-20:])


class RealSite:
    """Processes in `folder`; `backup` is the section of the collector's file, or nothing."""

    def __init__(self, folder, backup=""):
        self.folder = folder
        self.port = free_port()
        self.data = folder / "data"
        self.database = self.data / "collector.db"
        self.config = folder / "central.yaml"
        self.config.write_text(
            f"format: v1\nlisten: {{port: {self.port}}}\ndatabase: data/collector.db\n{backup}"
        )
        (folder / "counters.yaml").write_text(PROFILE)
        self.central = Process(folder / "central.log", "central", "run", self.config)
        self.plant = subprocess.Popen(
            [sys.executable, "-m", "tests.central.backup.plant", str(folder / "counters.yaml")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        self.gateways = []
        self.owed = Counter()

    def start(self):
        made = self.command("create-admin", "judge", "--login-link").stdout
        self.start_central()
        door = CollectorDoor("127.0.0.1", self.port)
        door.log_in(made.split("code=")[1].split()[0])
        self.door = door
        token = self.folder / "token"
        token.touch(mode=0o600)
        token.write_text(door.add_gateway("gw", "网关", "site"))
        self.plant_port = int(self.plant.stdout.readline())
        return self.add_gateway("buffer")

    def start_central(self):
        self.central.start()
        door = CollectorDoor("127.0.0.1", self.port)
        door.wait_healthy(lambda: None if self.central.alive() else AssertionError(self.log()))

    def log(self):
        return self.central.log()

    def add_gateway(self, buffer):
        """Start a gateway of the one name on the buffer folder `buffer`."""
        file = self.folder / f"{buffer}.yaml"
        file.write_text(
            f"""format: v1
gateway: {{name: gw, label: {{zh: 网关, en: Gateway}}, site: site}}
collector: {{url: "http://127.0.0.1:{self.port}", token_file: {self.folder}/token, timeout: 5}}
buffer: {{folder: {self.folder}/{buffer}}}
health: {{port: {free_port()}}}
profiles: {self.folder}
sites: [{{name: site, label: {{zh: 场所, en: Site}}, region: "441502", domain: lifelines}}]
buses:
  - name: line
    protocol: modbus
    host: 127.0.0.1
    port: {self.plant_port}
    devices: [{{name: d0, profile: counters, device_id: 1}}]
"""
        )
        gateway = Process(self.folder / f"{buffer}.log", "edge", "run", file)
        self.gateways.append(gateway)
        gateway.start(reports=True)
        return gateway

    def enrol(self, buffer):
        """Give the gateway a key of its own, approved beforehand by a work order."""
        now = datetime.now(UTC)
        order = {
            "gateway": "gw",
            "site": "site",
            "work_order": "W-1",
            "installer": "王",
            "opens": (now - timedelta(minutes=5)).isoformat(),
            "expires": (now + timedelta(hours=1)).isoformat(),
        }
        made = self.door.ask("POST", "/api/v1/enrolment/codes", order)
        assert enrol(["enrol", str(self.folder / f"{buffer}.yaml"), made["text"]]) == 0

    def command(self, verb, *more):
        return subprocess.run(
            [sys.executable, "-m", "central", verb, str(self.config), *more],
            cwd=ROOT,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=True,
        )

    def accept(self, gateway, count=100):
        """Return when the gateway has accepted so many more."""
        enough = gateway.total() + count
        until(lambda: gateway.total() >= enough, "readings are accepted", gateway)

    def drain(self, only=None):
        """Return when everything accepted so far (of the streams `only`) is here or given up."""
        last = Counter()
        self.owed = Counter()
        for gateway in self.gateways:
            with gateway.lock:
                self.owed += gateway.accepted
        for (stream, seq0), n in self.owed.items():
            if only is None or stream in only:
                last[stream] = max(last[stream], seq0 + n - 1)
        until(
            lambda: all(self.cursors().get(stream, 0) >= seq for stream, seq in last.items()),
            "everything is delivered",
            self.central,
        )

    def copy(self, source, target):
        without = shutil.ignore_patterns("*.sock")
        shutil.copytree(self.folder / source, self.folder / target, ignore=without)

    def take_card(self, gateway):
        """Owe nothing that only the card holds which is about to be replaced."""
        here = self.cursors()
        with gateway.lock:
            for stream, seq0 in list(gateway.accepted):
                if seq0 > here.get(stream, 0):
                    del gateway.accepted[stream, seq0]

    def put_back(self, copy, place):
        shutil.rmtree(self.folder / place)
        (self.folder / copy).rename(self.folder / place)

    def rows(self, sql):
        return self.at_once(sql)[0]

    def at_once(self, *questions):
        """Return the rows of each question, all of one moment."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as conn:
            conn.execute("BEGIN")
            with_readings(conn)
            return [conn.execute(sql).fetchall() for sql in questions]

    def cursors(self):
        return dict(self.rows("SELECT id, cursor FROM stream"))

    def events(self):
        return Counter(row[0] for row in self.rows("SELECT code FROM event"))

    def missing(self):
        """Return batches drained that are not stored with all they held; fail on doubles."""
        kept, ((readings,),), ((proved,),), ((aside,),), twice = self.at_once(
            "SELECT s.id, e.seq0, e.n FROM evidence e JOIN stream s ON s.number = e.stream "
            "WHERE e.kind <> 2",
            "SELECT count(*) FROM reading",
            "SELECT total(n) FROM evidence WHERE kind = 1",
            "SELECT total(n) FROM quarantine",
            "SELECT point, time FROM reading GROUP BY point, time, stream HAVING count(*) > 1",
        )
        stored = {(stream, seq0): n for stream, seq0, n in kept}
        assert len(kept) == len(stored), "a batch is stored twice"
        assert (readings, aside) == (proved, 0)
        assert twice == []
        assert self.owed
        return {key: n for key, n in self.owed.items() if stored.get(key, 0) < n}

    def stop(self):
        for gateway in self.gateways:
            gateway.stop()
        self.central.stop()
        self.plant.terminate()
        self.plant.wait(10)
        self.plant.stdout.close()
