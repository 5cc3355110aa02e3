"""A hand that does things to the site at their moments, in a thread of its own."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from tests.gauntlet.processes import wait_until
from tests.gauntlet.site import Site


class Over(Exception):
    """The run is over, or something else has failed."""


class Timed(Protocol):
    """Something with a moment, in accepted readings."""

    @property
    def at(self) -> int: ...


T = TypeVar("T", bound=Timed)


class Hand(threading.Thread, Generic[T]):
    """Calls `act` with each of `todo` at its moment; `done`: all of it is done. `failed` holds what
    went wrong."""

    def __init__(
        self,
        name: str,
        site: Site,
        todo: Sequence[T],
        act: Callable[[T], None],
        over: threading.Event,
    ) -> None:
        super().__init__(daemon=True, name=name)
        self.done = threading.Event()
        self.failed: BaseException | None = None
        self._site = site
        self._todo = todo
        self._act = act
        self._over = over

    def run(self) -> None:
        try:
            for each in self._todo:
                self._until(each.at)
                self._act(each)
            self.done.set()
        except Over:
            return
        except BaseException as exc:  # noqa: BLE001  # told by whoever waits for the run's end
            self.failed = exc
            self._over.set()

    def _until(self, at: int) -> None:
        def come() -> bool:
            if self._over.is_set():
                raise Over
            return self._site.accepted >= at

        wait_until(come, "the run goes on", seconds=3600)
