"""Points by a text in their names, or by their object, however gateways are described anew."""

from dataclasses import replace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from central.alarms.shown.sought import Sought
from central.registry import Entry
from central.registry_records import PointRecord
from protocols.wire.manifest import Manifest, decode_manifest
from protocols.words import Label
from tests.central.builders import manifest

WORDS = st.text(alphabet="abİß一号罐-1", max_size=4)
TEXTS = st.text(alphabet="abİß一号罐\n-1", min_size=1, max_size=3)
LABELS = st.builds(Label, WORDS, WORDS)
PLAIN = PointRecord(
    number=0,
    id="",
    site="s",
    gateway="g",
    device="d",
    label=Label("点位"),
    device_label=Label("设备"),
    object=None,
    object_label=None,
    quantity="",
    unit="",
    low=None,
    high=None,
    type="float",
    decimals=None,
    stale=0.0,
    enumeration=(),
    limits=(),
)


class Names:
    """Gateways with their points, as the registry has them."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.points: dict[int, PointRecord] = {}

    def names(self) -> list[str]:
        return list(self.entries)

    def entry(self, gateway: str) -> Entry | None:
        return self.entries.get(gateway)

    def by_number(self, number: int) -> PointRecord | None:
        return self.points.get(number)

    def put(self, gateway: str, *points: PointRecord, manifest: Manifest | None = None) -> None:
        numbers = tuple(point.number for point in points)
        self.entries[gateway] = Entry(gateway, Label(gateway), None, 0, manifest, numbers)
        self.points |= {point.number: point for point in points}


def point(number: int, **changed: object) -> PointRecord:
    made = {"number": number, "id": f"s/g/d/p{number}"} | changed
    return msgspec.structs.replace(PLAIN, **made)


@given(st.lists(st.tuples(LABELS, LABELS, st.none() | LABELS), max_size=8), TEXTS)
def test_a_text_is_found_in_every_name_and_across_none(labels, text):
    names = Names()
    points = [
        point(number, label=label, device_label=device, object_label=thing)
        for number, (label, device, thing) in enumerate(labels)
    ]
    names.put("a", *points[::2])
    names.put("b", *points[1::2])
    expected = {
        each.number
        for each in points
        for name in (each.id, *_words(each))
        if name and text.casefold() in name.casefold() and "\n" not in text
    }
    assert Sought(names).snapshot().called(text) == expected


def _words(each: PointRecord) -> list[str]:
    labels = (each.label, each.device_label, each.object_label)
    return [name for label in labels if label for name in (label.zh, label.en)]


def test_a_place_finds_all_its_points():
    names = Names()
    described = decode_manifest(manifest())
    site = described.sites[0]
    assert site.label.zh
    names.put("g", point(1, site=site.name), point(2, site="t"), manifest=described)
    assert Sought(names).snapshot().called(site.label.zh) == {1}


def test_a_gateway_described_anew_is_looked_through_anew_and_others_are_not():
    names = Names()
    names.put("a", point(1, label=Label("液位")))
    names.put("b", point(2, label=Label("压力")))
    sought = Sought(names)
    before = sought.snapshot()
    assert before.called("液位") == {1}
    names.put("a", point(1, label=Label("温度")), point(3, label=Label("液位")))
    after = sought.snapshot()
    assert (after.called("液位"), after.called("温度"), after.called("压力")) == ({3}, {1}, {2})
    assert before.called("液位") == {1}
    assert after._gateways[1] is before._gateways[1]
    del names.entries["a"]
    assert sought.snapshot().called("液位") == frozenset()


def test_an_object_by_its_name_alone_or_with_its_site():
    names = Names()
    names.put("g", point(1, object="tk-1"), point(2, site="t", object="tk-1"), point(3))
    names.entries["h"] = replace(names.entries["g"], name="h", numbers=(9,))  # points not known yet
    found = Sought(names).snapshot()
    assert found.of_object("tk-1") == {1, 2}
    assert found.of_object("t/tk-1") == {2}
    assert found.of_object("u/tk-1") == found.of_object("tk") == frozenset()
