"""One dedicated thread that owns a blocking resource (a database, a socket), with an async face.

Whatever `run` is given executes in that one thread, in the order given, one at a time. What waits
is bounded: a full queue makes the caller wait. Cancelling the await does NOT undo the work: it may
be done, half an instant later, with nobody listening. So whatever is run must be safe to run again.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class OwnerThread:
    """A thread named `name` with at most `capacity` pieces of work waiting or running."""

    def __init__(self, name: str, capacity: int = 64) -> None:
        self._room = asyncio.Semaphore(capacity)
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._closed = False
        # Daemon: an owner that dies without closing leaves what `kill -9` would leave, no hang.
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self._thread.start()

    async def run(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `call(...)` returned in the thread, or raise what it raised.

        Raises RuntimeError after `close`.
        """
        await self._room.acquire()
        if self._closed:
            self._room.release()
            raise RuntimeError(f"{self._thread.name} is closed")
        return await self._put(call, *args, **kwargs)

    def _put(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            result, error = None, None
            try:
                result = call(*args, **kwargs)
            except BaseException as exc:  # noqa: BLE001  # handed to the caller, whole
                error = exc
            # The error goes as an argument: a closure would keep it in a cycle with its traceback.
            _tell(loop, self._settle, outcome, result, error)

        self._work.put(work)
        return outcome

    async def close(self) -> None:
        """Finish what is queued and end the thread; may be called any number of times."""
        if not self._closed:
            self._closed = True
            last = self._put(lambda: None)
            self._work.put(None)
            await last

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _settle(
        self, outcome: asyncio.Future[T], result: T | None, error: BaseException | None
    ) -> None:
        self._room.release()
        if outcome.done():  # the caller was cancelled meanwhile
            return
        if isinstance(error, StopIteration):  # a future cannot carry it
            outcome.set_exception(RuntimeError("StopIteration inside OwnerThread.run"))
        elif error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type]  # no error: it is a T

    def _loop(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work  # lets go of the caller's arguments while the thread idles


def _tell(
    loop: asyncio.AbstractEventLoop,
    settle: Callable[[asyncio.Future[T], T | None, BaseException | None], None],
    outcome: asyncio.Future[T],
    result: T | None,
    error: BaseException | None,
) -> None:
    try:
        loop.call_soon_threadsafe(settle, outcome, result, error)
    except RuntimeError:  # the loop has ended: nobody is left to be told
        return
