"""Whether a gateway stands where its enrolment code said: its own description is held against it.

The place itself nobody here can see. A configuration that describes other sites is another
machine's, or a typing error; its data go on coming under the names it gives, and somebody looks.
Runs in the writer thread.
"""

import json
from collections.abc import Collection
from typing import Final

from sqlite_utils import Database as Tables

from central import events
from central.effects import CollectorEvent
from protocols.words import Value

SHOWN: Final = 5
"""Names of sites an event tells."""


def compare(
    tables: Tables, gateway: str, told: Collection[str], now: int
) -> tuple[CollectorEvent, ...]:
    """Record a matter of security where `told` lacks the site the code of its key was made for.

    `told`: the sites that the gateway's manifest describes.
    """
    row = tables.execute(
        """SELECT c.site, c.work_order FROM gateway_key k JOIN enrolment_code c ON c.keyid = k.keyid
           WHERE k.gateway = ? AND k.state = 'active' ORDER BY c.number DESC LIMIT 1""",
        (gateway,),
    ).fetchone()
    if row is None or row[0] is None or row[0] in told:
        return ()
    names = sorted(told)
    params: dict[str, Value] = {
        "gateway": gateway,
        "site": row[0],
        "told": ", ".join(names[:SHOWN]) + (" ..." if names[SHOWN:] else ""),
        "work_order": row[1] or "",
    }
    kind, code = events.SECURITY, "GATEWAY_SITE_DIFFERS"
    return (events.record(tables, (now, now), kind, code, gateway, params),)


def compare_current(tables: Tables, gateway: str, now: int) -> tuple[CollectorEvent, ...]:
    """The same for the manifest that is current, where there is one."""
    row = tables.execute(
        "SELECT m.body FROM gateway g JOIN manifest m ON m.digest = g.manifest WHERE g.name = ?",
        (gateway,),
    ).fetchone()
    if row is None:
        return ()
    return compare(tables, gateway, {site["name"] for site in json.loads(row[0])["sites"]}, now)
