import httpx2
import pytest

from central.api.app import create_app
from central.api.cables import Cables
from central.api.hub import Hub
from central.api.metrics import Metrics
from central.api.rooms import Rooms
from central.database import Database
from central.enrolment.office import After, Office
from central.export.exports import Exports
from central.guard.guards import Guards
from central.guard.incidents import Incidents
from central.guidance.guidance import Guidance
from central.identity import persons, sessions, tokens
from central.identity.desk import FrontDesk
from central.identity.principal import Kind
from central.identity.roles import Role
from central.identity.tokens import Token
from central.tls.keeping import Nothing
from central.tls.trust import TrustDesk
from protocols.signing.keys import Ed25519Signer
from tests.central.api.fake_collector import FakeCollector
from tests.central.identity.hands import HandClock, cheap_passwords
from tests.central.template import fresh

PASSWORD = "correct horse battery"


def furnish(collector, clock, passwords=None, cables=None):
    """Put a collector into rooms of an API."""
    desk = FrontDesk(collector.db, clock, passwords or cheap_passwords())
    hub = Hub(collector, desk)
    guards = Guards(Incidents(collector.db, clock, lambda _: None))
    signer = Ed25519Signer.generate()
    trust = TrustDesk("0123456789abcdef", Nothing(), clock, signer)
    after = After(changed=desk.revoked, created=lambda entry: None, tell=lambda effects: None)
    return Rooms(
        guards=guards,
        trust=trust,
        enrolment=Office(collector.db, clock, signer, trust, after),
        collector=collector,
        desk=desk,
        hub=hub,
        metrics=Metrics(collector, desk, hub, guards),
        cables=Cables(cables or {}),
        exports=Exports(collector.db.path.parent),
        guidance=Guidance(collector),
    )


class People:
    """Makes sessions and tokens of any role, straight in the tables."""

    def __init__(self, db, clock):
        self._db = db
        self._clock = clock

    async def session(self, *roles, name=None, scope=None):
        name = name or f"a-{'-'.join(roles) or 'nobody'}"

        def make(t):
            persons.put(t, name, frozenset(Role(role) for role in roles), self._clock.now())
            stated = None if scope is None else f'{{"sites": {list(scope)!r}}}'.replace("'", '"')
            t.execute("UPDATE person SET scope = ? WHERE name = ?", [stated, name])
            return sessions.start(t, name, self._clock.now())

        token = await self._db.write(make)
        return {"Cookie": f"fengsui_session={token}", "X-Requested-With": "fengsui"}

    async def token(self, kind, *roles, scope=None, gateway=None, person=None):
        token = Token(
            id=tokens.new_id(),
            name=f"a {kind}",
            kind=Kind(kind),
            created=self._clock.now(),
            created_by="test",
            roles=frozenset(Role(role) for role in roles),
            scope=None if scope is None else frozenset(scope),
            gateway=gateway,
            person=person,
        )
        secret = await self._db.write(lambda t: tokens.put(t, token))
        return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
async def db(tmp_path, clock):
    database = await Database.open(fresh(tmp_path / "central.db"), clock)
    yield database
    await database.close()


@pytest.fixture
def people(db, clock):
    return People(db, clock)


@pytest.fixture
async def collector(db, clock):
    made = FakeCollector(db, clock)
    yield made
    await made.close()


@pytest.fixture
def rooms(collector, clock):
    return furnish(collector, clock)


@pytest.fixture
def dist(tmp_path):
    return tmp_path / "dist"


@pytest.fixture
def app(rooms, dist):
    return create_app(rooms, with_demo=True, dist=dist)


@pytest.fixture
async def client(app):
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False, client=("10.0.0.1", 5))
    async with httpx2.AsyncClient(transport=transport, base_url="http://collector") as made:
        yield made
