import pytest

from central.database import Database
from central.identity import persons
from central.identity.desk import FrontDesk
from central.identity.roles import Role
from tests.central.identity.hands import HandClock, cheap_passwords
from tests.central.template import fresh

PASSWORD = "correct horse battery"


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
async def db(tmp_path, clock):
    database = await Database.open(fresh(tmp_path / "central.db"), clock)
    yield database
    await database.close()


@pytest.fixture
async def desk(db, clock):
    passwords = cheap_passwords()
    hashed = passwords.hash("duty", PASSWORD)

    def make(tables):
        persons.put(tables, "duty", frozenset({Role.OPERATOR}), clock.now())
        persons.set_password(tables, "duty", hashed)

    await db.write(make)
    return FrontDesk(db, clock, passwords)
