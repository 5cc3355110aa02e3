"""An enterprise's system: its description, its virtual gateway, and requests to the door."""

import json

from central.door.preparing import Posted
from central.door.virtual import NewReadingsToken, VirtualGateway, make_token
from central.identity.secrets import stored
from central.identity.tokens import Allowance
from protocols.words import Label, Purpose
from tests.central.builders import SECOND, START
from tests.central.store.asking import stored_of

NAME = "acme"
SITE = "acme-tanks"
PLENTY = Allowance(readings_per_minute=10_000_000, requests_per_minute=60_000)


def limit(name, op, value, colour):
    confirmed = {"status": "E", "confirmed_by": "示例"}
    return {"name": name, "op": op, "limit": value, "colour": colour, "deadband": 2, **confirmed}


def point(name, **more):
    here = {"site": SITE, "device": "tank", "name": name, "label": f"点位 {name}"}
    return {**here, "quantity": "tank_level", "unit": "%", **more}


DESCRIPTION = {
    "label": {"zh": "示例企业 DCS", "en": "Example DCS"},
    "sites": [{"name": SITE, "label": "示例罐区", "region": "441523", "domain": "hazchem"}],
    "devices": [{"site": SITE, "name": "tank", "label": "储罐"}],
    "points": [
        point(
            "level",
            decimals=2,
            low=0,
            high=100,
            limits=[limit("H", ">=", 80, "yellow"), limit("HH", ">=", 90, "red")],
        ),
        point("count", type="int"),
        point("smoke", type="bool", lane="alarm"),
        point("note", type="text"),
        point("flow"),
    ],
}
LEVEL, COUNT, SMOKE, NOTE, FLOW = (
    f"{SITE}/{NAME}/tank/{name}" for name in ("level", "count", "smoke", "note", "flow")
)


def at(seconds=0.0):
    """Return a time in microseconds; 0 is the hand clock's start."""
    return START + round(seconds * SECOND)


class Enterprise:
    """A virtual gateway with a token at a collector."""

    def __init__(self, collector, name=NAME, site=SITE):
        self.collector = collector
        self.name = name
        self.site = site
        self.credential = ""

    async def begin(self, allowance=PLENTY, description=True):
        made = VirtualGateway(
            name=self.name,
            label=Label("示例企业"),
            sites=(self.site,),
            offline_after=300,
            created=self.collector.clock.now(),
            created_by="ann",
        )
        await self.collector.door.create(made)
        await self.token(allowance)
        if description:
            await self.describe()
        return self

    async def token(self, allowance=PLENTY):
        wanted = NewReadingsToken(gateway=self.name, name="t", allowance=allowance, by="ann")
        _, secret = await self.collector.db.write(lambda t: make_token(t, wanted, 1))
        self.credential = stored(secret)

    async def describe(self, by=None, **changed):
        body = json.dumps({**DESCRIPTION, **changed}).replace(SITE, self.site)
        return await self.collector.door.describe(self.name, body.encode(), by)

    async def post(self, body, key, *, kind="json", charset="", purpose=Purpose.PRODUCTION):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        posted = Posted(key=key, kind=kind, charset=charset, purpose=purpose, body=body)
        door = self.collector.door
        async with door.enter(self.credential) as account:
            return await door.post(self.name, account, posted)

    async def columns(self, key, points, times, values, qualities=None):
        columns = {"point": points, "time_us": times, "value": values}
        if qualities is not None:
            columns["quality"] = qualities
        return await self.post({"columns": columns}, key)

    async def stored(self, point, start=0, end=2**60):
        page = await stored_of(self.collector, point, start, end)
        return list(zip(page.times, page.values, page.qualities, strict=True))
