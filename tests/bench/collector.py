"""A real collector process on loopback for benches: started, given gateways, measured."""

import os
import subprocess
import sys
from pathlib import Path

from protocols.simulators.collector_door import CollectorDoor
from protocols.simulators.demo import free_port
from tests.bench.keys import Identities

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
GONE = 20
"""Real seconds a collector may take to end."""


class CollectorProcess:
    """`python -m central run` on a database in `folder`; use as a context.

    `identities`: gateways whose keys it knows, and that know its own. `tls`: of its own CA.
    """

    def __init__(
        self,
        folder: Path,
        *,
        identities: Identities | None = None,
        tls: bool = False,
        more: str = "",
    ) -> None:
        """`more`: further lines of its configuration."""
        self.folder = folder
        self.more = more
        self.database = folder / "collector.db"
        self.port = free_port()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.door = CollectorDoor(
            "127.0.0.1", self.port, folder / "tls" / "ca.crt" if tls else None
        )
        self._identities = identities
        self._tls = "own" if tls else "none"
        self._config = folder / "central.yaml"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "CollectorProcess":
        self._config.write_text(
            f"format: v1\nlisten: {{host: 127.0.0.1, port: {self.port}, tls: {self._tls}}}\n"
            f"database: {self.database}\n{self.more}",
            encoding="utf-8",
        )
        made = self._central("create-admin", str(self._config), "judge", "--login-link")
        if self._identities is not None:
            self._identities.enter(self.database)
        self.start()
        code = next(word.rsplit("code=", 1)[1] for word in made.split() if "code=" in word)
        self.door.log_in(code)
        if self._identities is not None:
            self._identities.trust(self.folder)
        return self

    def start(self) -> None:
        """Start the process and wait until it serves. Raises DoorClosed."""
        with (self.folder / "collector.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "central", "run", str(self._config)],
                env=_as_set_up(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self.door.wait_healthy(lambda: None)
        except BaseException:
            print((self.folder / "collector.log").read_text()[-2000:])
            raise

    def kill(self) -> None:
        """End the process as a power cut would."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def __exit__(self, kind: object, *_: object) -> None:
        process, self._process = self._process, None
        if kind is not None:
            print((self.folder / "collector.log").read_text()[-4000:], file=sys.stderr)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(GONE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def add_gateway(self, name: str, site: str) -> str:
        """Register a gateway and return its token."""
        return self.door.add_gateway(name, name, site)

    def add_gateways(self, names: list[str], site: str) -> list[str]:
        """Register many and return their tokens."""
        with self.door.kept() as door:
            return [door.add_gateway(name, name, site) for name in names]

    def cpu_seconds(self) -> float:
        """Return user and system time of the process and the children it waited for."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15])) / TICKS_PER_SECOND

    def _central(self, *arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "central", *arguments],
            capture_output=True,
            text=True,
            check=True,
            stdin=subprocess.DEVNULL,
        ).stdout


def _as_set_up() -> dict[str, str]:
    """Modules are compiled once where it is set up, not at each start."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
