"""The broker that tests and the demo start: found, on a free port, ended by its own process."""

import pytest

from protocols.simulators import broker as module
from protocols.simulators.broker import BrokerFailed, start_broker
from protocols.texts import text
from tests.protocols.mqtt.test_delivery import Plant, connected, numbered, numbers, suite

pytestmark = pytest.mark.broker


def test_mosquitto_is_preferred_and_keeps_its_port(persistent, tmp_path):
    broker = start_broker(tmp_path)
    assert broker.kind == "mosquitto"
    port, pid = broker.port, broker.pid
    assert pid
    broker.kill()
    assert broker.pid == 0
    broker.start()
    broker.start()
    assert (broker.port, broker.pid != pid) == (port, True)
    broker.stop()
    broker.stop()


async def test_without_mosquitto_the_wheel_serves(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "mosquitto", lambda: None)
    broker = start_broker(tmp_path)
    assert broker.kind == "iotcore"
    try:
        plant = Plant(broker, "wheel")
        driver = await plant.opened()
        sender = await connected(broker.port)
        assert sender.send(plant.topic, numbered(1))
        assert numbers(await suite.until(driver, bool)) == [1]
        await sender.close()
        await driver.close()
    finally:
        broker.stop()


def test_a_broker_that_cannot_start_says_why(persistent, tmp_path):
    with pytest.raises(BrokerFailed) as caught:
        start_broker(tmp_path, settings=["no_such_setting true"])
    sentence = text(caught.value.code, caught.value.params, "en")
    assert "no_such_setting" in sentence
