"""The MQTT driver keeps the contract of pushed drivers, against a real broker."""

import pytest

from tests.protocols.pushed_suite import PushedContract

pytestmark = pytest.mark.broker


class TestMqtt(PushedContract):
    pass
