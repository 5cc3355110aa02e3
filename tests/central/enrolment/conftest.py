import pytest

from central.database import Database
from central.enrolment.acts import Wanted
from central.enrolment.office import After, Office
from central.identity import audit
from central.tls.keeping import Nothing
from central.tls.trust import TrustDesk
from protocols.signing.keys import Ed25519Signer
from tests.central.identity.hands import HandClock
from tests.central.template import fresh


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
async def db(tmp_path, clock):
    database = await Database.open(fresh(tmp_path / "central.db"), clock)
    yield database
    await database.close()


@pytest.fixture
def told():
    """What was told to the pages."""
    return []


@pytest.fixture
def changes():
    """How often a key began or ended to count."""
    return []


@pytest.fixture
def office(db, clock, told, changes):
    signer = Ed25519Signer.generate()
    trust = TrustDesk("0123456789abcdef", Nothing(), clock, signer)
    after = After(
        changed=lambda: changes.append(clock.now()),
        created=lambda entry: None,
        tell=lambda effects: told.extend(effects.events),
    )
    return Office(db, clock, signer, trust, after)


@pytest.fixture
def issue(office):
    """Make a code for a gateway."""

    async def make(gateway="gw-1", **more):
        return await office.acts.code(Wanted(gateway=gateway, by="duty", **more))

    return make


@pytest.fixture
def acts_of(db):
    """The actions in the audit, oldest first; its chain holds."""

    async def read():
        assert (await db.read(audit.verify)).broken is None
        lines = await db.read(lambda conn: audit.page(conn, 200))
        return [line.action for line in reversed(lines)]

    return read
