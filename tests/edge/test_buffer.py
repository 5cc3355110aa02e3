"""The buffer on SQLite: the common suite, and what only files can show."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.buffer import Buffer
from edge.config import BufferSettings
from protocols.clock import SystemClock
from tests.edge.buffer_suite import ORIGIN, BufferSuite, Reopen
from tests.edge.fake_buffer import FakeBuffer, Medium


@pytest.fixture
async def reopen(tmp_path: Path) -> AsyncIterator[Reopen]:
    opened: list[Buffer] = []

    async def again(*, kill: bool = False) -> Buffer:
        if opened:
            await (abandon(opened[-1]) if kill else opened[-1].close())
        settings = BufferSettings(folder=tmp_path / "buffer", quota_bytes=1 << 30)
        opened.append(await Buffer.open(settings, ORIGIN, SystemClock()))
        return opened[-1]

    yield again
    for buffer in opened:
        await buffer.close()


async def abandon(buffer: Buffer) -> None:
    """Let go of the files as a killed process would: nothing sealed, nothing persisted."""
    buffer._closed = True
    store = buffer._sides.medium.store
    if store is not None:
        await buffer._thread.run(store.holdings.folder.close)
    await buffer._sides.sink()
    await buffer._thread.close()


class TestBuffer(BufferSuite):
    """The suite against SQLite."""


class TestFakeBuffer(BufferSuite):
    """The suite against memory: the fake keeps the same promises."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        medium, opened = Medium(), list[FakeBuffer]()

        async def again(*, kill: bool = False) -> FakeBuffer:
            if opened and not kill:
                await opened[-1].close()
            opened.append(FakeBuffer(medium, ORIGIN))
            return opened[-1]

        return again
