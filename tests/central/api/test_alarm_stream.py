"""What a silent place that serves several sites says to who sees one of them."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from central.alarms.journal.episode import FaultShown
from central.alarms.shown import around
from central.alarms.shown.around import Around
from central.api.alarm_stream import tellings
from central.faults.standing import FaultRow
from protocols.alarms.word import Word
from protocols.alarms.wording import Told
from protocols.words import Label
from tests.central.api.fake_collector import SITES, episode

MINE, THEIRS = SITES
ONE_OF_EACH = (frozenset({MINE}), frozenset({THEIRS}))


def device(site, name, bus):
    return SimpleNamespace(site=site, name=name, bus=bus, label=Label(name))


def point(site, of):
    return SimpleNamespace(site=site, device=of)


MANIFEST = SimpleNamespace(
    label=Label("网关"),
    sites=(SimpleNamespace(name=MINE), SimpleNamespace(name=THEIRS)),
    devices=(device(MINE, "a", "x"), device(THEIRS, "a", "x"), device(THEIRS, "b", "y")),
    points=(point(MINE, "a"), *[point(THEIRS, "a")] * 2, *[point(THEIRS, "b")] * 4),
)
ENTRY = SimpleNamespace(label=Label("网关"), manifest=MANIFEST)


def silent(kind, bus=None, unit=None, devices=3, points=7):
    row = FaultRow(kind, "gw", bus, unit, 0, False, devices, points)
    found = around.shown(episode(MINE), Around(None, row), ENTRY, None, ())
    level = found.level
    told = Told(
        word=Word.RAISE, time=0, place=Label("s"), point=Label("p"), value=1, unit="", level=level
    )
    return replace(found, told=told)


@pytest.mark.parametrize(
    ("place", "whole", "mine", "theirs"),
    [
        (silent("gateway"), (3, 7), (1, 1), (2, 6)),
        (silent("bus", "x", devices=2, points=3), (2, 3), (1, 1), (1, 2)),
        # A device stands at one site: who is told of it sees all of it.
        (silent("device", "x", f"{MINE}/a", 1, 1), (1, 1), (1, 1), (1, 1)),
    ],
)
async def test_counts_are_of_the_sites_one_sees(rooms, place, whole, mine, theirs):
    def counts(scope):
        shown = place.fault.within(scope)
        return shown.devices, shown.points

    assert [counts(scope) for scope in (None, *ONE_OF_EACH)] == [whole, mine, theirs]
    (telling,) = await tellings(rooms.collector, [place])
    for scope, (devices, points) in zip((None, *ONE_OF_EACH), (whole, mine, theirs), strict=True):
        told = telling.to(scope)
        body = json.loads(told.data)
        assert told.event == "fault"
        assert (body["fault"]["devices"], body["fault"]["points"]) == (devices, points)
        assert f"{devices} 台设备、{points} 个点位" in body["message"]["zh"]


async def test_what_is_the_same_for_all_is_encoded_once(rooms):
    (telling,) = await tellings(rooms.collector, [episode(MINE)])
    assert telling.to(None) is telling.to(ONE_OF_EACH[0])
    (telling,) = await tellings(rooms.collector, [silent("gateway")])
    assert telling.to(ONE_OF_EACH[0]) is telling.to(ONE_OF_EACH[0])
    assert telling.to(None) is not telling.to(ONE_OF_EACH[0])


def test_of_a_gateway_of_one_site_nothing_is_shared():
    alone = SimpleNamespace(**vars(MANIFEST) | {"sites": MANIFEST.sites[:1]})
    entry = SimpleNamespace(label=Label("网关"), manifest=alone)
    row = FaultRow("gateway", "gw", None, None, 0, False, 3, 7)
    found = around.shown(episode(MINE), Around(None, row), entry, None, ()).fault
    assert isinstance(found, FaultShown)
    assert found.within(ONE_OF_EACH[0]) is found
