"""Puts the collector back to an earlier state: a backup restored, a snapshot put in its place.

In between one gateway is restarted twice, the second time after all it had was delivered: whatever
it then takes for safe is gone, and a gateway that believed too much has lost it.
"""

import shutil
import threading
from typing import Final

from protocols.simulators.collector_door import DoorClosed
from tests.gauntlet.gateway import Gateway
from tests.gauntlet.plan import Restore
from tests.gauntlet.processes import Stuck, wait_until
from tests.gauntlet.site import Site

QUIET_SECONDS: Final = 120.0
"""Lines fail meanwhile, and the collector is killed: longer than any pause of the uplink."""
YOUNGER_SECONDS: Final = 3.0
"""What is accepted and delivered in these is not in what was saved."""


class Restores:
    """`act` carries one out and returns when the collector is at work again."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._snapshot = site.folder / "snapshot"
        self._pause = threading.Event()
        self._judges = 0

    def act(self, restore: Restore) -> None:
        """Save, go on for a while, put back."""
        site, backup = self._site, restore.kind == "backup"
        with site.central_lock:
            if backup:
                site.command("backup", site.config)
            else:
                self._take_snapshot()
        site.diary.say(f"{restore.kind}: taken")
        self._pause.wait(YOUNGER_SECONDS)
        self._restart_twice(site.gateways[restore.gateway])
        with site.central_lock:
            site.central.kill()
            if backup:
                site.command("restore", site.config)
            else:
                self._put_snapshot_back()
            site.diary.note("restore", restore.kind)
            site.start_central()
            self._enter_again()

    def _take_snapshot(self) -> None:
        self._site.central.kill()
        shutil.copytree(self._site.data, self._snapshot, ignore=shutil.ignore_patterns("*.sock"))
        self._site.start_central()

    def _put_snapshot_back(self) -> None:
        shutil.rmtree(self._site.data)
        self._snapshot.rename(self._site.data)

    def _restart_twice(self, gateway: Gateway) -> None:
        with gateway.lock:
            gateway.process.kill()
            with gateway.commits.lock:
                before = list(gateway.commits.batches)
            self._start(gateway)
            if not self._site.wait_held(before, QUIET_SECONDS):
                missing = "\n".join(self._site.missing(before))
                raise Stuck(
                    f"{gateway.name} is not delivered:\n{missing}\n{gateway.process.log_tail()}"
                )
            what = f"{gateway.name} hears that all is delivered"
            wait_until(gateway.knows_all_is_delivered, what, QUIET_SECONDS)
            gateway.process.stop()
            self._start(gateway)

    def _start(self, gateway: Gateway) -> None:
        life = gateway.start()
        wait_until(lambda: bool(life.first), f"{gateway.name} accepts again")

    def _enter_again(self) -> None:
        """A backup holds no sessions: a new judge comes in."""
        try:
            self._site.door.ask("GET", "/api/v1/session")
        except DoorClosed:
            self._judges += 1
            self._site.door.log_in(self._site.login_code(f"judge-{self._judges}"))
