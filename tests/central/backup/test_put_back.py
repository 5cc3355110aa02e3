"""Real processes whose past is put back: nothing lost, nothing doubled, and it is told."""

import json

import pytest

from tests.central.backup.real_site import RealSite

TARGET = "backup: {folder: backups, every: manual}\n"
pytestmark = pytest.mark.slow


@pytest.fixture
def site(tmp_path, request):
    made = RealSite(tmp_path, getattr(request, "param", TARGET))
    try:
        yield made
    finally:
        made.stop()


def test_a_snapshot_and_a_backup_put_back(site):
    gateway = site.start()
    site.accept(gateway)
    site.drain()
    site.central.stop()
    site.copy("data", "snapshot")
    site.start_central()
    site.accept(gateway)
    site.drain()
    site.central.stop()
    site.put_back("snapshot", "data")
    site.start_central()
    site.accept(gateway)
    site.drain()
    assert site.missing() == {}
    assert site.events()["COLLECTOR_BEHIND"] == 1

    assert "SHA-256" in site.command("backup").stdout
    # Nobody's backup knows what comes now: the gateway gets a key, and signs with it.
    gateway.stop()
    site.enrol("buffer")
    gateway.start(reports=True)
    site.accept(gateway)
    site.drain()
    assert site.rows("SELECT state FROM gateway_key") == [("active",)]
    site.central.stop()
    # As on a new machine: the collector's own files are gone, and come back with the database.
    own = {name: (site.data / name).read_bytes() for name in ("collector.key", "collector.id")}
    for name in own:
        (site.data / name).unlink()
    told = site.command("restore", "--language", "en").stdout
    assert "are not in it" in told
    assert {name: (site.data / name).read_bytes() for name in own} == own
    assert site.rows("SELECT * FROM gateway_key") == []
    site.start_central()
    site.accept(gateway)
    gateway.stop()
    gateway.start(reports=True)
    site.accept(gateway, 1)
    site.drain()
    assert site.missing() == {}
    found = site.events()
    assert (found["COLLECTOR_RESTORED"], found["COLLECTOR_BEHIND"]) == (1, 1)
    # The gateway showed its warrant and is known again; nobody went there.
    assert (found["GATEWAY_CAME_BACK"], found["COLLECTOR_KEY_MADE"]) == (1, 0)
    assert site.rows("SELECT state FROM gateway_key") == [("active",)]
    assert found["BUFFER_SET_BACK"] + found["GATEWAY_TWICE"] + found["STREAM_DIVERGES"] == 0
    assert site.rows("SELECT count(*) FROM loss") == [(0,)]


@pytest.mark.parametrize("site", [""], indirect=True)
def test_an_old_card_and_a_cloned_one(site):
    gateway = site.start()
    site.accept(gateway)
    gateway.stop()
    site.copy("buffer", "image")
    site.copy("buffer", "clone")
    gateway.start(reports=True)
    site.accept(gateway)
    site.drain()
    assert site.events()["BUFFER_SET_BACK"] == 0
    gateway.stop()
    site.take_card(gateway)
    site.put_back("image", "buffer")
    gateway.start(reports=True)
    clone = site.add_gateway("clone")
    site.accept(gateway)
    site.accept(clone)
    site.drain()  # of both, while both go on
    assert site.missing() == {}
    found = site.events()
    assert found["BUFFER_SET_BACK"] >= 1
    assert found["STREAM_DIVERGES"] + found["COLLECTOR_BEHIND"] == 0


@pytest.mark.parametrize("site", [""], indirect=True)
def test_without_a_target_a_restore_says_what_nobody_holds_any_more(site):
    """All that is committed is called safe and let go of; what is missing then is counted."""
    gateway = site.start()
    site.accept(gateway)
    site.drain()
    site.central.stop()
    written = site.config.read_text()
    site.config.write_text(written + TARGET)
    site.command("backup")
    site.config.write_text(written)
    site.start_central()
    site.accept(gateway)
    site.drain()
    gateway.stop()
    gateway.start(reports=True)  # lets go of what its last process left, as all of it is here
    site.accept(gateway)
    site.drain()
    site.central.stop()
    (copy,) = (site.folder / "backups").glob("*.db")
    site.command("restore", str(copy))
    site.start_central()
    site.accept(gateway)
    site.drain(gateway.newest())
    missing = sum(site.missing().values())
    ((params,),) = site.rows("SELECT params FROM event WHERE code = 'COLLECTOR_RESTORED'")
    ((ledger,),) = site.rows("SELECT total(count) FROM loss")
    assert 0 <= missing - ledger <= json.loads(params)["readings"]
    assert site.events()["COLLECTOR_BEHIND"] == 0
