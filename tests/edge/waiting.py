"""Bounded waits for something another task or process does."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable


async def eventually(holds: Callable[[], bool | Awaitable[bool]], seconds: float = 20.0) -> None:
    """Return once `holds()`; TimeoutError when it never does."""
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0.01)
