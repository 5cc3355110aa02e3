"""The hand-over from the network thread: bounded, in order, never deaf to its end."""

import asyncio
import threading

from protocols.mqtt import inbox as module
from protocols.mqtt.inbox import Inbox, Message
from protocols.mqtt.payload import LARGEST
from tests.protocols.pushed_suite import settled


def message(n, size=1):
    return Message("t", b"x" * size, n, 1, False, False, n)


def putting(inbox, messages):
    thread = threading.Thread(target=lambda: [inbox.put(each) for each in messages], daemon=True)
    thread.start()
    return thread


async def everything(inbox, count):
    taken = []
    while len(taken) < count:
        await inbox.arrived()
        taken += inbox.take()
    return [each.mid for each in taken]


async def test_a_full_inbox_holds_the_sender_until_there_is_room():
    inbox = Inbox()
    count = 3 * module.MESSAGES
    thread = putting(inbox, [message(n) for n in range(count)])
    await settled(lambda: len(inbox._messages) == module.MESSAGES)
    assert thread.is_alive()
    assert await everything(inbox, count) == list(range(count))
    thread.join(60)
    assert not thread.is_alive()


async def test_large_messages_fill_it_by_their_size():
    inbox = Inbox()
    size = LARGEST
    fit = module.BYTES // size
    thread = putting(inbox, [message(n, size) for n in range(fit + 2)])
    await settled(lambda: len(inbox._messages) == fit)
    assert thread.is_alive()
    assert await everything(inbox, fit + 2) == list(range(fit + 2))
    thread.join(60)
    assert not thread.is_alive()


async def test_closing_lets_both_sides_go():
    inbox = Inbox()
    thread = putting(inbox, [message(n) for n in range(module.MESSAGES + 1)])
    await settled(lambda: len(inbox._messages) == module.MESSAGES)
    inbox.close()
    thread.join(60)
    assert not thread.is_alive()
    async with asyncio.timeout(60):
        await inbox.arrived()


async def test_what_is_handed_out_at_once_is_bounded():
    inbox = Inbox()
    for n in range(module.TAKEN + 5):
        inbox.put(message(n))
    assert len(inbox.take()) == module.TAKEN
    async with asyncio.timeout(60):
        await inbox.arrived()
    assert len(inbox.take()) == 5
    assert inbox.take() == []
