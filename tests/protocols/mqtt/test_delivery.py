"""Against a real broker: nothing acknowledged is lost, what is not acknowledged comes again."""

import asyncio
import json
from base64 import b64encode
from hashlib import pbkdf2_hmac
from ipaddress import ip_address

import pytest
from asyncua.crypto.cert_gen import (
    dump_private_key_as_pem,
    generate_private_key,
    generate_self_signed_app_certificate,
)
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from protocols.clock import SystemClock
from protocols.errors import DeviceUnreachable
from protocols.mqtt.client import Publisher
from protocols.mqtt.driver import build
from protocols.mqtt.payload import LARGEST
from protocols.mqtt.settings import Settings, settings_of
from protocols.profile import MqttAddress
from protocols.quality import Quality
from protocols.simulators.broker import start_broker
from protocols.texts import text
from protocols.words import TimeMark
from tests.protocols import pushed_suite as suite
from tests.protocols.mqtt.conftest import MqttRig

pytestmark = pytest.mark.broker

SURVIVES_KILL = ("autosave_on_changes true", "autosave_interval 1")
COUNTED = {"n": MqttAddress(topic="data", pointer="/n", time="/t")}
NOW = 1_781_272_800_000


@pytest.fixture
def brokers(persistent, tmp_path):
    started = []

    def start(**options):
        started.append(start_broker(tmp_path / f"broker{len(started)}", **options))
        return started[-1]

    yield start
    for broker in started:
        broker.stop()


@pytest.fixture
async def sender(shared_broker):
    publisher = await connected(shared_broker.port)
    yield publisher
    await publisher.close()


@pytest.fixture
async def plant(shared_broker, request):
    """A rig of its own session and topics, without a running simulator."""
    name = request.node.name.replace("/", "-")[:60]
    return Plant(shared_broker, name)


class Plant(MqttRig):
    def __init__(self, broker, name) -> None:
        super().__init__(broker)
        self.name = name
        self.topic = f"{name}/data"
        self.device = suite.device(suite.points(COUNTED, {"n": {"type": "int"}}), prefix=name)

    def build(self, **options):
        return build(
            self.bus_with(client_id=self.name, **{"timeout": 10.0} | options), SystemClock()
        )

    async def opened(self, **options):
        driver = self.build(**options)
        await driver.open()
        return driver


async def connected(port, **options):
    settings = {"bus": "test", "host": "127.0.0.1", "timeout": 5.0, "client_id": "sender"}
    publisher = Publisher(Settings(port=port, **settings | options))
    await publisher.open(5.0)
    return publisher


def numbered(n):
    return json.dumps({"n": n, "t": NOW + n}).encode()


def numbers(readings):
    return [r.value for r in readings]


async def test_acknowledged_only_after_acknowledge_is_awaited(plant, sender):
    await (await plant.opened()).close()
    for n in range(30):
        assert sender.send(plant.topic, numbered(n))
    first = await plant.opened()
    seen = await suite.until(first, lambda r: 29 in numbers(r) or len(r) >= 20, acknowledge=False)
    await first.close()
    # The same session again, as after a crash before the buffer had committed.
    second = await plant.opened()
    again = await suite.until(second, lambda r: len(r) >= 30)
    await second.close()
    assert numbers(again) == list(range(30))
    assert numbers(again)[: len(seen)] == numbers(seen)
    # All acknowledged: a third session finds only what is new.
    assert sender.send(plant.topic, numbered(99))
    third = await plant.opened()
    assert numbers(await suite.until(third, bool)) == [99]
    await third.close()


async def test_messages_sent_while_the_gateway_is_away_wait_for_it(plant, sender):
    await (await plant.opened()).close()
    for n in range(500):
        assert sender.send(plant.topic, numbered(n))
    driver = await plant.opened()
    seen = await suite.until(driver, lambda r: len(r) >= 500)
    await driver.close()
    assert numbers(seen) == list(range(500))
    assert {r.mark for r in seen} == {TimeMark.SOURCE}


async def test_a_killed_broker_loses_nothing_and_doubles_nothing(brokers):
    broker = brokers(settings=SURVIVES_KILL)
    plant = Plant(broker, "kill")
    sender = await connected(broker.port)
    driver = await plant.opened()
    for n in range(10):
        assert sender.send(plant.topic, numbered(n))
    got = await suite.until(driver, lambda r: len(r) == 10)
    for n in range(10, 20):
        assert sender.send(plant.topic, numbered(n))
    late = []
    while sum(len(sample.readings) for sample in late) < 10:
        late.append(await driver.receive())
    broker.kill()
    # Stored by us, but the broker is dead and cannot be told.
    for sample in late:
        got += sample.readings
        await sample.acknowledge()
    with pytest.raises(DeviceUnreachable):
        await suite.until(driver, lambda _: False)
    broker.start()
    await driver.open()
    await sender.close()
    sender = await connected(broker.port)
    for n in range(20, 30):
        assert sender.send(plant.topic, numbered(n))
    got += await suite.until(driver, lambda r: 29 in numbers(r))
    await driver.close()
    await sender.close()
    assert numbers(got) == list(range(30))


async def test_what_was_stored_but_could_not_be_told_is_not_stored_again(plant, sender):
    wire = suite.DeafWire(plant.port)
    await wire.open()
    driver = plant.build(port=wire.port)
    await driver.open()
    assert sender.send(plant.topic, numbered(1))
    sample = await driver.receive()
    await wire.close()
    with pytest.raises(DeviceUnreachable):
        await driver.receive()
    await sample.acknowledge()
    await wire.open()
    driver._bus = plant.bus_with(client_id=plant.name, port=wire.port)
    await driver.open()
    assert sender.send(plant.topic, numbered(2))
    seen = await suite.until(driver, lambda r: 2 in numbers(r))
    await driver.close()
    await wire.close()
    assert numbers(seen) == [2]
    assert driver.counts["repeated"] == 1


async def test_a_poison_message_does_not_block(plant, sender):
    driver = await plant.opened()
    for payload in (b"\xff{", b"[" * 9_000, b"x" * (LARGEST + 1)):
        assert sender.send(plant.topic, payload)
    assert sender.send(plant.topic, numbered(7))
    seen = await suite.until(driver, lambda r: 7 in numbers(r))
    assert [r.quality for r in seen] == [Quality.BAD_DECODING_ERROR] * 3 + [Quality.GOOD]
    assert driver.counts["undecodable"] == 3
    await driver.close()
    # Acknowledged like any other: it does not come back.
    again = await plant.opened()
    assert sender.send(plant.topic, numbered(8))
    assert numbers(await suite.until(again, bool)) == [8]
    await again.close()


async def test_retained_is_the_last_usable_value_once(plant, sender):
    bare = {"n": MqttAddress(topic="data", pointer="")}
    plant.device = suite.device(suite.points(bare, {"n": {"type": "int"}}), prefix=plant.name)
    assert sender.send(plant.topic, b"41", retain=True)
    await suite.settled(lambda: sender.waiting == 0)
    driver = await plant.opened()
    first = await suite.until(driver, bool)
    assert [(r.value, r.quality) for r in first] == [(41, Quality.UNCERTAIN_LAST_USABLE_VALUE)]
    await driver.close()
    await driver.open()
    assert sender.send(plant.topic, b"42")
    seen = await suite.until(driver, lambda r: 42 in numbers(r))
    assert [(r.value, r.quality, r.mark) for r in seen] == [(42, Quality.GOOD, TimeMark.GATEWAY)]
    assert driver.counts["repeated"] == 1
    await driver.close()
    sender.send(plant.topic, b"", retain=True)


async def test_subscriptions_of_an_earlier_configuration_are_dropped(plant, sender):
    await (await plant.opened()).close()
    left = plant.topic
    plant.device = suite.device(
        suite.points(COUNTED, {"n": {"type": "int"}}), prefix=f"{plant.name}/new"
    )
    driver = await plant.opened()
    assert sender.send(left, numbered(1))
    assert sender.send(f"{plant.name}/new/data", numbered(2))
    assert numbers(await suite.until(driver, bool)) == [2]
    assert driver.counts["unexpected"] == 1
    await driver.close()
    await driver.open()
    assert sender.send(left, numbered(3))
    assert sender.send(f"{plant.name}/new/data", numbered(4))
    assert numbers(await suite.until(driver, bool)) == [4]
    await driver.close()
    assert driver.counts["unexpected"] == 1


async def test_qos_0_slows_the_sender_instead_of_filling_memory(plant, sender):
    driver = await plant.opened()
    for n in range(5_000):
        sender.send(plant.topic, numbered(n), qos=0)
    seen = await suite.until(driver, lambda r: 4_999 in numbers(r))
    await driver.close()
    assert numbers(seen) == list(range(5_000))


# paho lets a socket whose handshake failed be collected instead of closing it.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
async def test_users_and_certificates(brokers, tmp_path):
    secret = tmp_path / "password"
    secret.write_text("geheim-水位\n", encoding="utf-8")
    ca, key = await certificate(tmp_path)
    acl = tmp_path / "acl"
    acl.write_text("user operator\ntopic readwrite allowed/#\n", encoding="utf-8")
    users = tmp_path / "users"
    users.write_text(mosquitto_user("operator", "geheim-水位"), encoding="utf-8")
    for file in (acl, users, key):
        file.chmod(0o600)
    broker = brokers(
        settings=[
            "allow_anonymous false",
            f"password_file {users}",
            f"acl_file {acl}",
            f"certfile {ca}",
            f"keyfile {key}",
        ],
    )
    plant = Plant(broker, "tls")
    own = {"username": "operator", "password_file": str(secret), "timeout": 5.0}
    plant.device = suite.device(plant.device.points, prefix="allowed")
    driver = await plant.opened(ca_file=str(ca), **own)
    sender = await connected(
        broker.port, ca_file=ca, tls=True, username="operator", password_file=secret
    )
    assert sender.send("allowed/data", numbered(3))
    assert numbers(await suite.until(driver, bool)) == [3]
    await sender.close()
    await driver.close()
    wrong = tmp_path / "wrong"
    wrong.write_text("falsch", encoding="utf-8")
    for options in (
        own | {"ca_file": str(ca), "password_file": str(wrong)},
        own | {"ca_file": str(ca), "password_file": str(tmp_path / "none")},
        own | {"ca_file": str(tmp_path / "none")},
        own | {"tls": True},
        own | {"timeout": 1.0},
    ):
        refused = plant.build(**options)
        with pytest.raises(DeviceUnreachable) as caught:
            await refused.open()
        sentence = text(caught.value.code, caught.value.params)
        assert "geheim" not in sentence + repr(caught.value)
        assert "{" not in sentence


async def test_a_refused_topic_is_bad_and_the_others_flow(plant):
    async def broker(reader, writer):
        """Answers CONNECT, refuses the first topic of SUBSCRIBE, publishes on the second."""
        await reader.readuntil(plant.name.encode())
        writer.write(bytes([0x20, 2, 0, 0]))
        subscribe = await reader.readexactly(4)
        writer.write(bytes([0x90, 4, *subscribe[2:4], 0x80, 1]))
        topic = f"{plant.name}/data".encode()
        body = len(topic).to_bytes(2, "big") + topic + b"\0\x07" + numbered(5)
        writer.write(bytes([0x32, len(body)]) + body)
        await reader.readuntil(b"\x40\x02\0\x07")
        told.set_result(True)
        writer.close()

    told = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(broker, "127.0.0.1", 0)
    addresses = {"no": MqttAddress(topic="denied"), **COUNTED}
    plant.device = suite.device(suite.points(addresses, {"n": {"type": "int"}}), prefix=plant.name)
    driver = await plant.opened(port=server.sockets[0].getsockname()[1])
    seen = await suite.until(driver, lambda r: len(r) >= 2)
    assert (seen[0].point, seen[0].quality) == (0, Quality.BAD_CONFIGURATION_ERROR)
    assert (seen[1].point, seen[1].value) == (1, 5)
    assert await told
    await driver.close()
    server.close()


async def test_secrets_are_not_shown(plant, tmp_path):
    secret = tmp_path / "password"
    secret.write_text("geheim", encoding="utf-8")
    settings = settings_of(plant.bus_with(username="operator", password_file=str(secret)))
    assert settings.password() == "geheim"
    assert str(secret) not in repr(settings)
    assert settings_of(plant.bus_with()).client_id == "fengsui-gw-mqtt0"


def mosquitto_user(name, password):
    """A line of its password file: $7$ iterations $ salt $ PBKDF2-HMAC-SHA512."""
    salt = b"saltsaltsalt"
    digest = pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"{name}:$7$101${b64encode(salt).decode()}${b64encode(digest).decode()}\n"


async def certificate(folder):
    key = generate_private_key()
    made = generate_self_signed_app_certificate(
        key,
        "broker",
        {"countryName": "CN"},
        [x509.IPAddress(ip_address("127.0.0.1"))],
        [ExtendedKeyUsageOID.SERVER_AUTH],
    )
    (folder / "ca.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(dump_private_key_as_pem(key))
    return folder / "ca.pem", folder / "key.pem"
