"""The running site: plants, gateways, the lines between, one collector."""

import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from protocols.clock import SystemClock, real_monotonic
from protocols.simulators.collector_door import CollectorDoor, DoorClosed
from tests.gauntlet import layout
from tests.gauntlet.diary import Diary
from tests.gauntlet.gateway import Gateway
from tests.gauntlet.links import Links
from tests.gauntlet.processes import Life, Process, Stuck, quiet_port, wait_until
from tests.gauntlet.stored import read_cursors

AT_ONCE: Final = 2
"""Gateways that are made ready side by side: a core each."""
FAULTS: Final = ("drop", "dup", "swap", "nofsync", "forget")


class Site:
    """`open` starts everything; `close` ends every process this site started."""

    def __init__(
        self,
        folder: Path,
        gateways: int,
        sabotage: str = "",
        *,
        backup: bool,
        secure: bool = False,
    ) -> None:
        """`secure`: over TLS, and gateways are enrolled and sign."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.diary = Diary(folder / "diary.log")
        self.port = quiet_port()
        self.data = folder / "central"
        self.database = self.data / "collector.db"
        self.backups = folder / "backups" if backup else None
        self._secure = secure
        self.config = folder / "central.yaml"
        self.central = Process("central", "central", ["run", self.config], folder)
        self.central_lock = threading.RLock()
        """Whoever stops, kills or starts the collector, or cuts it off, holds this."""
        self._ca = self.data / "tls" / "ca.crt" if secure else None
        self.door = self._new_door()
        self.links = Links()
        self.gateways = [Gateway(folder, number, sabotage) for number in range(gateways)]
        self.owed: list[tuple[str, int, int]] = []
        self._began = SystemClock().now()

    @property
    def accepted(self) -> int:
        """Readings (and events) that gateways reported as theirs."""
        return sum(gateway.commits.accepted for gateway in self.gateways)

    def open(self) -> None:
        """Write the files and start plants, collector and gateways."""
        self.data.mkdir()
        layout.write_profiles(self.folder)
        config = layout.central_config(self.data, self.port, self.backups, secure=self._secure)
        self.config.write_text(config, encoding="utf-8")
        code = self.login_code()
        self.start_central()
        self.door.log_in(code)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._admit, self.gateways))
        for gateway in self.gateways:
            self.links.add(gateway.number, gateway.uplink, self.port)
            gateway.start()

    def _admit(self, gateway: Gateway) -> None:
        """Let the collector know a gateway, and the gateway its collector."""
        if self._secure:
            gateway.prepare(self.folder, None)
            gateway.enrol(self._invitation(gateway))
        else:
            gateway.prepare(
                self.folder, self.door.add_gateway(gateway.name, "验证网关", layout.SITE)
            )

    def _invitation(self, gateway: Gateway) -> str:
        """Return what the QR code of a work order says, which nobody has to approve."""
        minute = 60_000_000
        asked = {
            "gateway": gateway.name,
            "label": {"zh": "验证网关", "en": gateway.name},
            "site": layout.SITE,
            "work_order": f"WO-{gateway.number}",
            "installer": "judge",
            "opens": _rfc3339(SystemClock().now() - minute),
            "expires": _rfc3339(SystemClock().now() + 60 * minute),
        }
        return str(self.door.ask("POST", "/api/v1/enrolment/codes", asked)["text"])

    def _new_door(self) -> CollectorDoor:
        return CollectorDoor("127.0.0.1", self.port, self._ca)

    def enter(self, name: str) -> CollectorDoor:
        """Return the session of one more judge."""
        door = self._new_door()
        door.log_in(self.login_code(name))
        return door

    def login_code(self, name: str = "judge") -> str:
        """Make an administrator; returns the code of his link."""
        made = self.command("create-admin", self.config, name, "--login-link")
        return next(word.rsplit("code=", 1)[1] for word in made.split() if "code=" in word)

    def command(self, *words: object) -> str:
        """Run a command of the collector's and return what it prints. Raises Stuck."""
        done = subprocess.run(
            [sys.executable, "-m", "central", *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise Stuck(f"fengsui-central {words[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def start_central(self, env: dict[str, str] | None = None) -> Life:
        """Start the collector; returns once it answers, or has killed itself."""
        life = self.central.start(env or {})
        wait_until(self._settled, f"the collector answers\n{self.central.log_tail()}")
        return life

    def _settled(self) -> bool:
        if not self.central.alive():
            if self.central.killed_itself():
                return True
            raise Stuck(f"the collector ended by itself\n{self.central.log_tail()}")
        try:
            self.door.ask("GET", "/healthz")
        except (OSError, DoorClosed):
            return False
        self.central.life.first = SystemClock().now()
        return True

    def freeze(self) -> None:
        """From here on what is accepted is not asked for any more."""
        for gateway in self.gateways:
            with gateway.commits.lock:
                self.owed += gateway.commits.batches

    def wait_drained(self, quiet: float) -> float:
        """Return how long it took until the collector held what was accepted, or until nothing of
        it had come for `quiet` seconds.
        """
        started = real_monotonic()
        self.wait_held(self.owed, quiet)
        return real_monotonic() - started

    def wait_held(self, batches: list[tuple[str, int, int]], quiet: float) -> bool:
        """Return True once the collector holds `batches`; False when none came for so long.

        A machine that is slow is not a fault.
        """
        last: dict[str, int] = {}
        for stream, seq0, n in batches:
            last[stream] = max(last.get(stream, 0), seq0 + n - 1)
        pause, before, moved = threading.Event(), -1, real_monotonic()
        while real_monotonic() - moved < quiet:
            cursors = read_cursors(self.database)
            here = sum(min(cursors.get(stream, 0), seq) for stream, seq in last.items())
            if here == sum(last.values()):
                return True
            if here != before:
                before, moved = here, real_monotonic()
            pause.wait(0.2)
        return False

    def missing(self, batches: list[tuple[str, int, int]]) -> list[str]:
        """Return a line for each stream of which the collector does not hold all of `batches`."""
        cursors, last = read_cursors(self.database), dict[str, int]()
        for stream, seq0, n in batches:
            last[stream] = max(last.get(stream, 0), seq0 + n - 1)
        return [
            f"stream {stream}: {seq} accepted, {cursors.get(stream, 0)} held"
            for stream, seq in last.items()
            if cursors.get(stream, 0) < seq
        ]

    def span(self) -> tuple[int, int]:
        """Return the time all this site's readings lie in, with a minute to spare (µs UTC)."""
        minute = 60_000_000
        return self._began - minute, SystemClock().now() + minute

    def logs(self) -> str:
        """Return the ends of all logs."""
        told = [
            process.log_tail() for process in (self.central, *(g.process for g in self.gateways))
        ]
        return "\n".join(told)

    def end_gateways(self) -> None:
        """Stop gateways, then plants: what was served is in their logs afterwards."""
        for gateway in self.gateways:
            gateway.end()

    def close(self) -> None:
        """End everything."""
        self.end_gateways()
        self.central.end()
        self.links.close()

    def free(self) -> int:
        """Return the bytes free where the site lies."""
        return shutil.disk_usage(self.folder).free


def _rfc3339(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1e6, UTC).isoformat()
