"""The OPC UA driver keeps the contract of pushed drivers, against a real server."""

import pytest

from tests.protocols.pushed_suite import PushedContract

pytestmark = pytest.mark.asyncio(loop_scope="session")


class TestOpcUa(PushedContract):
    pass
