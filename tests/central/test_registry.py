"""Points appear with their manifest; thresholds follow it; an older stream changes nothing."""

import pytest

from central.alarms.journal.episode import EpisodeFilter
from central.registry import GatewayExists, NameRefused
from protocols.alarms.rule import Colour
from tests.central.builders import POINTS, Gateway, PointSpec, level, open_collector
from tests.central.stored import with_readings


async def journal(collector, episode):
    detail = await collector.alarms.episode(episode.id)
    return [line.event for line in detail.journal]


async def episodes(collector, state="all"):
    return (await collector.alarms.episodes(EpisodeFilter(state=state))).items


async def change(collector, gateway, *points):
    """The gateway is started again with other points."""
    changed = Gateway(gateway.clock, gateway.name, points)
    changed.streams = gateway.streams
    stream = changed.open()
    await changed.register(collector, stream)
    return changed, stream


async def test_a_manifest_brings_its_site_and_points(collector, stream):
    (site,) = collector.registry.sites()
    assert (site.name, site.label.zh, site.region) == ("site", "场所(示例)", "441523")
    points = collector.registry.points()
    assert [point.id for point in points] == [f"site/gw/tank/{p.name}" for p in POINTS]
    first = points[0]
    assert (first.device_label.zh, first.decimals, len(first.limits)) == ("储罐", 2, 4)
    assert collector.registry.points("elsewhere") == []
    assert collector.registry.point(first.id) == collector.registry.by_number(first.number) == first


async def test_everything_is_there_after_a_restart(collector, stream, tmp_path, clock):
    before = collector.registry.points(), collector.registry.sites()
    await collector.close()
    again = await open_collector(tmp_path, clock)
    assert (again.registry.points(), again.registry.sites()) == before
    assert again.alarms.ladder("site/gw/tank/level:high")[1].name == "HH"
    await again.close()


async def test_names_are_checked_and_taken_once(collector):
    with pytest.raises(GatewayExists):
        await collector.registry.add_gateway("gw")
    for name in ("", "GW", "网关", "a/b", "x" * 64):
        with pytest.raises(NameRefused):
            await collector.registry.add_gateway(name)


async def test_a_new_point_keeps_the_numbers_of_the_others(collector, gateway, stream):
    numbers = {point.id: point.number for point in collector.registry.points()}
    changed, opened = await change(collector, gateway, PointSpec("extra"), *POINTS)
    await changed.deliver(collector, opened, changed.reading("level", 5.0))
    after = {point.id: point.number for point in collector.registry.points()}
    assert {id_: after[id_] for id_ in numbers} == numbers
    assert set(after) - set(numbers) == {"site/gw/tank/extra"}
    assert collector.store.latest(["site/gw/tank/level"])[0].value == 5.0


async def test_an_old_stream_with_its_old_manifest_changes_nothing(collector, gateway, stream):
    old = gateway.open()
    await change(collector, gateway, PointSpec("level"))
    await gateway.register(collector, old)
    assert [p.id for p in collector.registry.points()] == ["site/gw/tank/level"]
    await gateway.deliver(collector, old, gateway.reading("count", 7))
    rows = await collector.db.read(
        lambda conn: (
            with_readings(conn)
            .execute("SELECT p.id, r.value FROM reading r JOIN point p ON p.number = r.point")
            .fetchall()
        )
    )
    assert rows == [("site/gw/tank/count", 7)]


async def test_a_changed_limit_is_judged_at_once_and_never_in_silence(collector, gateway, stream):
    await gateway.deliver(collector, stream, gateway.reading("level", 85.0))
    higher = PointSpec("level", limits=(level("H", 90.0), level("HH", 95.0, colour=Colour.RED)))
    await change(collector, gateway, higher)
    (episode,) = await episodes(collector)
    assert episode.state == "RTN_UNACK"
    assert await journal(collector, episode) == ["RAISE", "RULE_CHANGED", "RTN"]
    lower = PointSpec("level", limits=(level("H", 70.0), level("HH", 80.0, colour=Colour.RED)))
    await change(collector, Gateway(gateway.clock), lower)


async def test_a_lower_limit_raises_at_once(collector, gateway, stream, clock):
    await gateway.deliver(collector, stream, gateway.reading("level", 75.0))
    assert await episodes(collector) == ()
    heard = []
    collector.listeners.append(heard.append)
    clock.move(60)
    await change(collector, gateway, PointSpec("level", limits=(level("H", 70.0),)))
    (episode,) = await episodes(collector)
    assert (episode.state, episode.raised) == ("UNACK", clock.now())
    assert [e.id for told in heard for e in told.episodes] == [episode.id]


async def test_a_level_renamed_away_lets_the_other_stand(collector, gateway, stream):
    await gateway.deliver(collector, stream, gateway.reading("level", 95.0))
    await change(collector, gateway, PointSpec("level", limits=(level("H", 80.0),)))
    (episode,) = await episodes(collector)
    assert (episode.state, episode.level.name) == ("UNACK", "H")


async def test_a_point_that_is_gone_returns_and_can_be_acknowledged(
    collector, gateway, stream, tmp_path, clock
):
    await gateway.deliver(collector, stream, gateway.reading("level", 95.0))
    await change(collector, gateway, PointSpec("count", "int"))
    await collector.close()
    again = await open_collector(tmp_path, clock)
    (episode,) = await episodes(again, "open")
    assert (episode.state, episode.label.zh) == ("RTN_UNACK", "level")
    await again.alarms.acknowledge(episode.id, "ann", "", "key-0001", clock.now())
    assert await episodes(again, "open") == ()
    await again.close()


async def test_the_first_gateway_describes_a_shared_site(collector, stream, clock):
    clock.move(1)
    await collector.registry.add_gateway("gw2")
    other = Gateway(clock, "gw2")
    other.manifest = other.manifest.replace("场所(示例)".encode(), "别名(示例)".encode())
    await other.register(collector, other.open())
    (site,) = collector.registry.sites()
    assert site.label.zh == "场所(示例)"
    assert len(collector.registry.points()) == 8


async def test_a_point_that_is_gone_has_no_newest_value_either(collector, gateway, stream):
    await gateway.deliver(collector, stream, gateway.reading("level", 5.0))
    assert [head.value for head in collector.store.latest()] == [5.0]
    await change(collector, gateway, PointSpec("count", "int"))
    assert collector.store.latest() == []
