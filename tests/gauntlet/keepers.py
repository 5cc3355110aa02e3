"""One thread per process: kills it as planned, has it back, and writes down each life."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from protocols.clock import real_monotonic
from tests.gauntlet.gateway import Gateway
from tests.gauntlet.hands import Over
from tests.gauntlet.plan import Kill
from tests.gauntlet.processes import BACK_SECONDS, Process, Stuck
from tests.gauntlet.site import Site

NUDGE_AFTER: Final = 3.0
"""Seconds of work before a phase that does not come by itself is brought about."""
OUTAGE: Final = 7.0
"""Seconds without a line after which a gateway begins a fresh stream."""


class Keeper(threading.Thread):
    """Carries out a list of kills of one process, then watches it until the run is over.

    `done`: all kills are done. `failed` holds what went wrong.
    """

    def __init__(
        self, site: Site, process: Process, kills: list[Kill], over: threading.Event
    ) -> None:
        super().__init__(daemon=True, name=f"keeper {process.name}")
        self.site = site
        self.process = process
        self.done = threading.Event()
        self.failed: BaseException | None = None
        self._kills = kills
        self._over = over
        self._pause = threading.Event()

    def run(self) -> None:
        try:
            self._run()
        except Over:
            return
        except BaseException as exc:  # noqa: BLE001  # told by whoever waits for the run's end
            self.failed = exc
            self._over.set()

    def _run(self) -> None:
        todo = list(self._kills)
        while todo:
            kill = todo.pop(0)
            self._wait(partial(self._come, kill.at), None)
            armed = todo.pop(0) if todo and todo[0].phase else None
            with self._hold():
                self.process.kill()
                self._note(self.process.life.how)
                self._pause.wait(kill.rest)
                self._start(armed)
                if armed is not None:
                    self._die(armed)
        self.done.set()
        self._wait(lambda: False, None)

    def _come(self, at: int) -> bool:
        return self.site.accepted >= at

    def _die(self, armed: Kill) -> None:
        """Wait until the process has killed itself, then start it again."""
        began = real_monotonic()
        nudge: Callable[[], None] | None = self._nudge(armed.phase)
        while self.process.alive():
            self._check()
            if real_monotonic() - began > BACK_SECONDS:
                raise Stuck(f"{self.process.name} never came to {armed.phase}")
            if nudge and self.process.life.first and real_monotonic() - began > NUDGE_AFTER:
                nudge()
                nudge = None
            self._pause.wait(0.02)
        if not self.process.killed_itself():
            raise Stuck(f"{armed.phase}: it ended otherwise\n{self.process.log_tail()}")
        self.process.note_end(armed.phase)
        self._note(armed.phase)
        self._pause.wait(armed.rest)
        self._start(None)

    def _wait(self, done: Callable[[], bool], seconds: float | None) -> None:
        began = real_monotonic()
        while not done():
            self._check()
            if self._ended():
                raise Stuck(f"it ended by itself\n{self.process.log_tail()}")
            if seconds is not None and real_monotonic() - began > seconds:
                raise Stuck(f"{self.process.name} is not back at work\n{self.process.log_tail()}")
            self._pause.wait(0.02)

    def _ended(self) -> bool:
        lock = self._hold()
        if not lock.acquire(blocking=False):
            return False  # somebody else has stopped it, and will start it
        try:
            return not self.process.alive()
        finally:
            lock.release()

    def _check(self) -> None:
        if self._over.is_set():
            raise Over

    def _note(self, how: str) -> None:
        side = "central" if self.process is self.site.central else "edge"
        self.site.diary.note(f"kill {side}", how, self.process.name, self.process.life)

    def _hold(self) -> "threading.RLock":
        raise NotImplementedError

    def _start(self, armed: Kill | None) -> None:
        raise NotImplementedError

    def _nudge(self, phase: str) -> Callable[[], None] | None:
        raise NotImplementedError


class EdgeKeeper(Keeper):
    """Looks after one gateway."""

    def __init__(
        self, site: Site, gateway: Gateway, kills: list[Kill], over: threading.Event
    ) -> None:
        super().__init__(site, gateway.process, kills, over)
        self._gateway = gateway

    def _hold(self) -> "threading.RLock":
        return self._gateway.lock

    def _start(self, armed: Kill | None) -> None:
        life = self._gateway.start(arming(armed))
        if armed is None:
            self._wait(lambda: bool(life.first), BACK_SECONDS)

    def _nudge(self, phase: str) -> Callable[[], None] | None:
        if phase == "edge.persisting":
            return self.process.ask_to_end
        return self._cut if phase == "edge.rotating" else None

    def _cut(self) -> None:
        with self._gateway.line:
            self.site.links.set(self._gateway.number, "refuse")
            self._pause.wait(OUTAGE)
            self.site.links.set(self._gateway.number, "open")


class CentralKeeper(Keeper):
    """Looks after the collector."""

    def __init__(self, site: Site, kills: list[Kill], over: threading.Event) -> None:
        super().__init__(site, site.central, kills, over)

    def _hold(self) -> "threading.RLock":
        return self.site.central_lock

    def _start(self, armed: Kill | None) -> None:
        self.site.start_central(arming(armed))

    def _nudge(self, phase: str) -> Callable[[], None] | None:
        return None


def arming(kill: Kill | None) -> dict[str, str]:
    """Return the environment of a process that is to kill itself."""
    return {"FENGSUI_CRASH": f"{kill.phase}:{kill.nth}"} if kill else {}
