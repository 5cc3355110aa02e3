"""Keeps out what a held start asks beside its batches, which the transaction itself refuses.

One of two machines with one key must neither be told how far the other's streams are, nor open
streams, nor tell of the site in the other's place, nor be taken for it because it lives. A manifest
alone changes nothing and is kept.
"""

from collections.abc import Callable

from starlette.requests import Request

from central.api.rooms import Rooms
from central.api.signed import signed_of
from central.enrolment import clones
from central.health import read_health
from central.identity.principal import Principal
from protocols.errors import IngestError, WireError
from protocols.wire.cursors import asking_boot
from protocols.wire.headers import CLOCK, parse_clock
from protocols.wire.rule_talk import decode_question

Speaks = Callable[[], str | None]


def by_clock(request: Request) -> Speaks:
    """Return what finds the start in the field of the clock (an opening)."""
    field = request.headers.get(CLOCK)
    return lambda: None if field is None else parse_clock(field).boot


def by_question(body: bytes) -> Speaks:
    """Return what finds it in a question after cursors."""
    return lambda: asking_boot(body)


def by_rule_question(body: bytes) -> Speaks:
    """Return what finds it in a question after rules."""
    return lambda: decode_question(body).boot


def by_health(body: bytes) -> Speaks:
    """Return what finds it in a report of health."""

    def speaks() -> str | None:
        report = read_health(body).report
        return None if report is None else report.boot

    return speaks


async def refuse_held(house: Rooms, who: Principal, request: Request, speaks: Speaks) -> None:
    """Raise IngestError START_HELD (403) where the start that speaks is held.

    An older gateway may not say which it is; only a key is held to one machine.
    """
    if signed_of(request) is None:
        return
    try:
        boot = speaks()
    except WireError:
        return  # refused further on, as what it is
    gateway = who.name
    if boot is not None and await house.collector.db.glance(
        lambda conn: clones.stays_out(conn, gateway, boot)
    ):
        raise IngestError("START_HELD", 403, gateway=gateway)
