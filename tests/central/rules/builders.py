"""Rules and points, made short."""

from central.rules.library import Library, LibraryRule, NamedLevel, Version
from central.rules.meant import Place
from central.rules.reading import read_body
from protocols.alarms.attachment import Attachment, Scope, Target
from protocols.alarms.document_fields import Faults

TANK = {
    "id": "own.high",
    "label": {"zh": "高液位", "en": "High level"},
    "quantity": ["tank_level"],
    "unit": "m",
    "kind": "limit",
    "source": "设计文件",
    "levels": [
        {"name": "H", "colour": "yellow", "op": ">=", "limit": 8.5, "deadband": 0.1, "status": "D"},
        {"name": "HH", "colour": "red", "op": ">=", "limit": 9.0, "status": "D"},
    ],
}


def confirmed(document, by="李工", on="2026-06-01"):
    levels = [each | {"confirmed_by": by, "confirmed_on": on} for each in document["levels"]]
    return document | {"levels": levels}


def body(document):
    faults = Faults()
    made = read_body(document, "", faults)
    assert not faults.kept, [(each.key, each.code, each.allowed) for each in faults.kept]
    return made


def rule(document, version=1, retired=False, domain=None):
    made = body(document)
    return LibraryRule(
        id=made.id,
        origin=None,
        domain=domain,
        created=1,
        created_by="ann",
        version=Version(
            number=version, body=made, retired=retired, made=1, made_by="ann", reason="r"
        ),
    )


def library(*documents, attached=(), named=()):
    rules = [each if isinstance(each, LibraryRule) else rule(each) for each in documents]
    return Library({each.id: each for each in rules}, tuple(attached), tuple(named))


def attachment(id_, rule_id, scope, at, family="high", since=None, **more):
    since = id_ if since is None else since
    return Attachment(
        id=id_, family=family, scope=Scope[scope], at=at, rule=rule_id, since=since, **more
    )


def named(id_, value, unit="m", scope="OBJECT", at="site/tank-1", **more):
    return NamedLevel(
        id=id_,
        name=more.pop("name", "flood_limit_level"),
        scope=Scope[scope],
        at=at,
        value=value,
        unit=unit,
        by="王工",
        since=1_781_272_800_000_000,
        **more,
    )


def place(point="site/gw/tank/level", unit="m", quantity="tank_level", own=(), number=1, **more):
    site = point.split("/")[0]
    target = Target(
        point=point,
        site=site,
        domain=more.pop("domain", 7),
        quantity=quantity,
        object=more.pop("object", f"{site}/tank-1"),
        profile=more.pop("profile", "example/x"),
    )
    return Place(target=target, number=number, gateway="gw", unit=unit, own=frozenset(own))
