"""A manifest that was taken before is read as the decoder of all forms reads it."""

import json
from dataclasses import fields, replace

import pytest

from central.known_manifests import read_known
from protocols.errors import WireError
from protocols.wire.canonical import dump
from protocols.wire.manifest import decode_manifest, manifest_digest
from tests.protocols.wire.test_records import BUS, manifest


def changed(change) -> bytes:
    data = json.loads(manifest())
    change(data["points"][0])
    return dump(data, "manifest")


LEVEL = {
    "name": "HH",
    "name_en": "",
    "colour": "red",
    "op": ">=",
    "limit": 90.0,
    "deadband": 1.0,
    "on_delay": 0.0,
    "off_delay": 5.0,
    "source": "",
    "clause": None,
    "status": "U",
    "confirmed_by": "someone",
    "confirmed_on": None,
    "valid_from": "06-01",
    "valid_to": None,
}
FORMS = {
    "as it is": manifest(),
    "no points": manifest(buses=(replace(BUS, devices=()),)),
    "bounds": changed(lambda point: point.update(low=-1e-7, high=1e22, decimals=3)),
    "no bounds": changed(lambda point: point.update(low=None, high=None, decimals=None)),
    "words": changed(
        lambda point: point.update(
            enumeration=[
                {"value": (1 << 64) - 1, "label": {"zh": "开", "en": "on"}},
                {"value": -(1 << 63), "label": {"zh": '"\\\n', "en": "\u2028"}},
            ]
        )
    ),
    "limits": changed(lambda point: point.update(limits=[LEVEL, LEVEL | {"limit": -0.0}])),
}


@pytest.mark.parametrize("form", FORMS)
def test_it_is_the_same_to_the_type(form):
    data = FORMS[form]
    quick, plain = read_known(data, manifest_digest(data)), decode_manifest(data)
    assert quick == plain
    assert repr(quick) == repr(plain)  # tells 80 from 80.0 and 0.0 from -0.0
    for a, b in zip(quick.points, plain.points, strict=True):
        for field in fields(a):
            assert type(getattr(a, field.name)) is type(getattr(b, field.name))


def test_limits_that_are_written_alike_are_held_once():
    one, two = (
        read_known(data, manifest_digest(data)).points[0].limits
        for data in (FORMS["limits"], FORMS["limits"])
    )
    assert one is two


@pytest.mark.parametrize("data", [b"", b"[]", b'{"format":2}', b'{"format":1}', manifest()[:-1]])
@pytest.mark.parametrize("known", [True, False])
def test_what_is_none_is_refused_in_the_same_words(data, known):
    with pytest.raises(WireError) as plain:
        decode_manifest(data)
    with pytest.raises(WireError) as quick:
        read_known(data, manifest_digest(data) if known else "00" * 32)
    assert (quick.value.code, quick.value.params) == (plain.value.code, plain.value.params)


def test_what_is_not_what_its_digest_names_is_proved():
    data = manifest().replace(b'"format":1', b'"format": 1')
    with pytest.raises(WireError) as refused:
        read_known(data, "00" * 32)
    assert refused.value.code == "WIRE_FORM"
