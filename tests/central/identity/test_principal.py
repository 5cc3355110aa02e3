import pytest

from central.identity.principal import Kind, Principal, read_scope
from central.identity.roles import PERMISSIONS, SESSION_ONLY, Permission, Role


def who(*roles, kind=Kind.SESSION, **more):
    return Principal(name="x", kind=kind, roles=frozenset(roles), **more)


def test_every_role_has_its_row():
    assert set(PERMISSIONS) == set(Role)


def test_no_role_delivers_readings():
    assert not any(Permission.INGEST in row for row in PERMISSIONS.values())


def test_nobody_without_a_role_may_anything():
    assert not any(who().may(permission) for permission in Permission)


@pytest.mark.parametrize("permission", Permission)
def test_a_gateway_may_deliver_and_nothing_else(permission):
    gateway = who(*Role, kind=Kind.GATEWAY, gateway="gw-1")
    assert gateway.may(permission) is (permission is Permission.INGEST)


@pytest.mark.parametrize("kind", [Kind.PERSON, Kind.SYSTEM])
@pytest.mark.parametrize("permission", sorted(SESSION_ONLY))
def test_no_token_mints_another(kind, permission):
    assert who(Role.ADMINISTRATOR).may(permission)
    assert not who(Role.ADMINISTRATOR, kind=kind).may(permission)


def test_only_operators_and_above_acknowledge():
    able = {role for role in Role if who(role).may(Permission.ACKNOWLEDGE)}
    assert able == {Role.OPERATOR, Role.ENGINEER, Role.ADMINISTRATOR}


def test_scope_limits_what_is_asked_for():
    some = who(Role.VIEWER, scope=frozenset({"a", "b"}))
    assert some.narrow(None) == {"a", "b"}
    assert some.narrow(["b", "c"]) == {"b"}
    assert some.sees("a")
    assert not some.sees("c")
    everything = who(Role.VIEWER, scope=None)
    assert everything.narrow(None) is None
    assert everything.narrow(["c"]) == {"c"}


def test_a_principal_without_a_stated_scope_sees_nothing():
    assert not who(Role.ADMINISTRATOR).sees("a")


def test_an_enterprise_without_a_stated_scope_sees_nothing():
    assert read_scope(None, frozenset({Role.ENTERPRISE})) == frozenset()
    assert read_scope(None, frozenset({Role.VIEWER})) is None
