"""What is special about OPC UA: many nodes in one call, nodes that are not there, identities."""

import asyncio
import dataclasses
from datetime import UTC, datetime

import pytest
from asyncua import ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.user_managers import UserManager
from cryptography.x509.oid import ExtendedKeyUsageOID

from protocols.clock import SECOND, SystemClock
from protocols.errors import DeviceRefused, DeviceUnreachable
from protocols.opcua.driver import build
from protocols.opcua.settings import POLICIES, settings_of
from protocols.opcua.simulator import serve
from protocols.profile import OpcUaAddress
from protocols.quality import Quality, is_good
from protocols.texts import text
from protocols.words import TimeMark
from tests.protocols import pushed_suite as suite
from tests.protocols.opcua.conftest import ADDRESSES, MANY, URI

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def readings(bus, wanted):
    driver = build(bus, SystemClock())
    await driver.open()
    try:
        return await suite.until(driver, wanted)
    finally:
        await driver.close()


async def test_what_is_not_there_is_bad_and_the_others_flow(rig):
    addresses = {
        "unknown": OpcUaAddress(node="s=NOT.THERE", namespace=URI),
        "elsewhere": OpcUaAddress(node="s=RSV.WL", namespace="urn:not:here"),
        "illegible": OpcUaAddress(node="x:y", namespace=URI),
        **ADDRESSES,
    }
    device = suite.device(suite.points(addresses, {"pump": {"type": "bool"}}))
    seen = await readings(rig.bus_with(device=device), lambda r: {x.point for x in r} >= {0, 1, 3})
    assert suite.latest(seen, 0)[:3] == (0, None, Quality.BAD_NODE_ID_UNKNOWN)
    assert suite.latest(seen, 1)[:3] == (1, None, Quality.BAD_NODE_ID_UNKNOWN)
    assert suite.latest(seen, 2)[:3] == (2, None, Quality.BAD_CONFIGURATION_ERROR)
    assert suite.latest(seen, 3).value == rig.values["level"]


async def test_a_variable_that_comes_later_is_found(rig, monkeypatch):
    monkeypatch.setattr("protocols.opcua.driver.RETRY", 0.05)
    addresses = {"late": OpcUaAddress(node="s=LATE", namespace=URI), **ADDRESSES}
    device = suite.device(suite.points(addresses, {"pump": {"type": "bool"}}))
    driver = build(rig.bus_with(device=device), SystemClock())
    await driver.open()
    await suite.until(driver, lambda r: suite.latest(r, 0))
    server = rig.simulator.server
    late = ua.NodeId.from_string(f"ns={await server.get_namespace_index(URI)};s=LATE")
    node = await server.nodes.objects.add_variable(late, ua.QualifiedName("late", 2), 4.5)
    seen = await suite.until(driver, lambda r: (x := suite.latest(r, 0)) and is_good(x.quality))
    await driver.close()
    await server.delete_nodes([node])
    assert suite.latest(seen, 0).value == 4.5


async def test_a_server_that_takes_few_items_at_once_gets_few(rig, monkeypatch):
    monkeypatch.setattr("protocols.opcua.session.ITEMS_PER_CALL", 2)
    seen = await readings(rig.bus, lambda r: {x.point for x in r} == {0, 1, 2})
    assert seen


async def test_the_servers_status_code_and_time_come_through(rig):
    driver = build(rig.bus, SystemClock())
    await driver.open()
    await suite.until(driver, lambda r: suite.latest(r, 0))
    node = rig.simulator.server.get_node(f"ns=2;{ADDRESSES['level'].node}")
    stamp = ua.DateTime(2026, 6, 12, 14, 5, 30, 123456, tzinfo=UTC)
    code = ua.UInt32(Quality.UNCERTAIN_SUBSTITUTE_VALUE)
    await node.write_value(
        ua.DataValue(
            ua.Variant(3.217, ua.VariantType.Double),
            StatusCode=ua.StatusCode(code),
            SourceTimestamp=stamp,
        )
    )
    seen = await suite.until(driver, lambda r: any(x.quality == code for x in r))
    await driver.close()
    found = next(x for x in seen if x.quality == code)
    microseconds = int(datetime(2026, 6, 12, 14, 5, 30, tzinfo=UTC).timestamp()) * SECOND + 123456
    assert found == (0, 3.22, code, microseconds, TimeMark.SOURCE)


async def test_every_change_between_two_publishes_arrives(rig):
    driver = build(rig.bus, SystemClock())
    await driver.open()
    await suite.until(driver, lambda r: suite.latest(r, 0))
    node = rig.simulator.server.get_node(f"ns=2;{ADDRESSES['level'].node}")
    wanted = [round(10 + step / 100, 2) for step in range(20)]
    for value in wanted:
        await node.write_value(ua.DataValue(ua.Variant(value, ua.VariantType.Double)))
    seen = await suite.until(driver, lambda r: [x for x in r if x.value == wanted[-1]])
    await driver.close()
    assert [x.value for x in seen if x.point == 0 and x.value >= 10] == wanted
    assert (driver.dropped, driver.overflows) == (0, 0)


async def test_a_steady_value_is_said_again_while_the_server_lives(rig):
    sheets = {"mode": {"type": "text", "heartbeat": 0.2}}
    device = suite.device(suite.points({"mode": ADDRESSES["mode"]}, sheets))
    seen = await readings(rig.bus_with(device=device), lambda r: len(r) >= 3)
    assert {x.value for x in seen} == {"自动"}
    assert seen[-1].time > seen[0].time


async def test_two_hundred_points_of_many_kinds(rig):
    seen = await readings(
        rig.bus_with(device=rig.many), lambda r: len({x.point for x in r}) == len(MANY)
    )
    assert all(is_good(x.quality) for x in seen)
    for x in seen:
        expected = rig.signal("", f"p{x.point}", 0)
        assert x.value == expected
        assert type(x.value) is type(expected)


# --- identities


class OneUser(UserManager):
    def get_user(self, _isession, username=None, password=None, certificate=None):
        if username == "operator" and password == "geheim-水位":
            return User(role=UserRole.User)
        return None


@pytest.fixture(scope="module")
def secret(tmp_path_factory):
    file = tmp_path_factory.mktemp("secret") / "password"
    file.write_text("geheim-水位\n", encoding="utf-8")
    return file


async def certificate(folder, name, usage):
    key, certificate = folder / f"{name}.pem", folder / f"{name}.der"
    await setup_self_signed_certificate(
        key, certificate, f"urn:fengsui:{name}", "127.0.0.1", [usage], {"countryName": "CN"}
    )
    return key, certificate


async def secured(simulator, folder):
    key, der = await certificate(folder, "server", ExtendedKeyUsageOID.SERVER_AUTH)
    server = simulator.server
    await server.stop()
    await server.load_certificate(der)
    await server.load_private_key(key)
    server.set_security_policy(
        [getattr(ua.SecurityPolicyType, f"{name}_SignAndEncrypt") for name in POLICIES]
    )
    server.iserver.user_manager = OneUser()
    server.set_identity_tokens([ua.UserNameIdentityToken])
    server._policies.clear()
    server.iserver.endpoints.clear()
    await server.start()


async def test_secured_channels_users_and_what_is_refused(rig, tmp_path, secret):
    device = suite.device(suite.points(ADDRESSES, {"pump": {"type": "bool"}}))
    simulator = await serve([device], lambda *_: 1.0, SystemClock())
    await secured(simulator, tmp_path)
    key, der = await certificate(tmp_path, "gateway", ExtendedKeyUsageOID.CLIENT_AUTH)
    options = {
        "endpoint": simulator.endpoint,
        "certificate": str(der),
        "private_key": str(key),
        "server_certificate": str(tmp_path / "server.der"),
        "username": "operator",
        "password_file": str(secret),
        "timeout": 5.0,
    }
    for policy in POLICIES:
        seen = await readings(rig.bus_with(**options, policy=policy), bool)
        assert seen
    wrong = tmp_path / "wrong"
    wrong.write_text("falsch", encoding="utf-8")
    refused = [
        options | {"policy": POLICIES[0], "password_file": str(wrong)},
        options | {"policy": POLICIES[0], "password_file": str(tmp_path / "none")},
        options | {"policy": POLICIES[0], "server_certificate": str(der)},
        options | {"policy": POLICIES[0], "private_key": str(tmp_path / "none")},
        options,
    ]
    for bad in refused:
        with pytest.raises(DeviceUnreachable) as caught:
            await readings(rig.bus_with(**bad), bool)
        sentence = text(caught.value.code, caught.value.params, "en")
        assert "geheim" not in sentence + repr(caught.value)
        assert "{" not in sentence
    await simulator.close()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"policy": "Basic128Rsa15"}, "OPCUA_POLICY_REFUSED"),
        ({"policy": "Basic256"}, "OPCUA_POLICY_REFUSED"),
        ({"policy": "Basic256Sha256", "mode": "None"}, "OPCUA_MODE_REFUSED"),
        ({"policy": "Basic256Sha256", "certificate": "c.der"}, "OPCUA_CERTIFICATE_MISSING"),
    ],
)
async def test_what_must_not_be_tried_is_refused(rig, options, code):
    driver = build(rig.bus_with(**options), SystemClock())
    with pytest.raises(DeviceRefused) as caught:
        await driver.open()
    assert caught.value.code == code
    for language in ("zh", "en"):
        assert "{" not in text(code, caught.value.params, language)


async def test_options_are_read_once_with_defaults(rig, secret):
    bus = rig.bus_with(username="operator", password_file=str(secret), timeout=0)
    settings = settings_of(bus)
    assert settings.password() == "geheim-水位"
    assert settings.timeout == 10.0
    assert str(secret) not in repr(settings)
    slow = dataclasses.replace(rig.device, scan=30.0)
    assert settings_of(rig.bus_with(device=slow)).publish == 0.25


@pytest.mark.parametrize("endpoint", ["", "nonsense", "opc.tcp://127.0.0.1:1/", "opc.tcp://[::bad"])
async def test_an_endpoint_that_cannot_be_is_unreachable(rig, endpoint):
    driver = build(rig.bus_with(endpoint=endpoint), SystemClock())
    with pytest.raises(DeviceUnreachable):
        await driver.open()
    await driver.close()


async def test_a_server_that_speaks_nonsense_is_unreachable(rig):
    async def babble(_reader, writer):
        writer.write(b"ACKF" + bytes(range(256)) * 4)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    driver = rig.driver(port=server.sockets[0].getsockname()[1])
    with pytest.raises(DeviceUnreachable):
        await driver.open()
    server.close()
    await suite.clean(rig)
