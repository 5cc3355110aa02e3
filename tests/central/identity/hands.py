"""A clock moved by hand and a hasher that costs nothing, for the tests of people."""

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from central.identity.passwords import Passwords
from protocols.clock import ClockState

START = 1_780_000_000_000_000


class HandClock:
    """Stands still until moved."""

    state = ClockState.SYNCHRONISED

    def __init__(self):
        self.time = START

    def now(self):
        return self.time

    def mono(self):
        return self.time

    async def sleep(self, microseconds):
        self.time += microseconds


def cheap_passwords():
    return Passwords(PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)))
