"""What the kernel says of the machine's clocks (Linux; elsewhere what can be had).

With `protocols/clock.py` the only code that asks the machine. chrony, ntpd and systemd-timesyncd
tell the kernel when they discipline its clock, and the kernel forgets it when a person sets the
time or nobody has for hours; reading that needs no right.
"""

import ctypes
import errno
import time
from typing import Final, NamedTuple

MAXIMUM_ERROR: Final = 2_000_000
"""A clock that may be further off than this (µs, by its own account) is not called synchronised."""

_UNSYNC: Final = 0x0040
_CLOCKERR: Final = 0x1000
_TIME_ERROR: Final = 5
_BOOTTIME: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)


class Discipline(NamedTuple):
    """Whether a time daemon holds the wall clock, and if not why: a word; errors in µs or None.

    Reasons: `not_disciplined` (no daemon has set it, or not for long), `error_too_large`,
    `not_told` (the kernel has no such call, or refuses it); and, of `protocols.clock_trust`,
    `before_build`, `stepped`. Empty while synchronised.
    """

    synchronised: bool
    reason: str = ""
    maximum_error: int | None = None
    estimated_error: int | None = None


class _Timex(ctypes.Structure):
    """The head of `struct timex`; the rest differs between systems and only needs room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


def read_discipline() -> Discipline:
    """Ask the kernel (adjtimex without changing anything); never raises."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError, TypeError):
        return Discipline(synchronised=False, reason="not_told")
    asked = _Timex()
    ctypes.set_errno(0)
    state = adjtimex(ctypes.byref(asked))
    if state < 0 or ctypes.get_errno() in (errno.EPERM, errno.ENOSYS):
        return Discipline(synchronised=False, reason="not_told")
    return judged(state, asked.status, asked.maxerror, asked.esterror)


def judged(state: int, status: int, maximum: int, estimated: int) -> Discipline:
    """Return what an answer of the kernel means (pure)."""
    reason = ""
    if state == _TIME_ERROR or status & (_UNSYNC | _CLOCKERR):
        reason = "not_disciplined"
    elif maximum > MAXIMUM_ERROR:
        reason = "error_too_large"
    return Discipline(not reason, reason, maximum, estimated)


def since_boot() -> int:
    """Return µs since the machine started, those it slept included (else the monotonic clock)."""
    if _BOOTTIME is None:
        return time.monotonic_ns() // 1_000
    return time.clock_gettime_ns(_BOOTTIME) // 1_000


def awake() -> int:
    """Return µs of a clock that stands still while the machine sleeps."""
    return time.monotonic_ns() // 1_000
