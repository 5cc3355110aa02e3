"""The collector's own key goes with its backup, back to where there is none, and nowhere else."""

import asyncio
import json
import os
import shutil
import sqlite3
import stat
from contextlib import closing

import pytest

from central.__main__ import main
from central.api.backup_metrics import backup_metrics
from central.backup import identity, manifest, moving, placing
from central.backup.backups import Backups
from central.backup.identity import IdentityUnusable, OwnFiles
from central.backup.placing import Databases, IdentityDiffers, IdentityForeign, plan
from central.collector import Collector
from central.config import CentralConfig
from central.tls.authority import Authority
from central.tls.folder import collector_id
from protocols.signing.keys import Ed25519Signer
from tests.central.builders import HandClock
from tests.central.template import fresh


@pytest.fixture
def fengsui(capsys):
    def run(*arguments):
        capsys.readouterr()
        code = main([*map(str, arguments), "--language", "en"])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out + err

    return run


def started(folder, clock):
    """Leave in `folder` what the first start of a collector with its own CA leaves."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    (folder / "central.yaml").write_text(
        "format: v1\ndatabase: data/collector.db\nbackup: {folder: ../backups, every: manual}\n"
    )
    Authority(data / "tls", collector_id(data)).tend(clock.now(), sure=True)
    return folder / "central.yaml"


def run_once(config, clock):
    async def run():
        central = CentralConfig(file=config, database=config.parent / "data" / "collector.db")
        fresh(central.database)
        await (await Collector.open(central, clock)).close()

    asyncio.run(run())


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A collector's folder after one start, and its backup, to be copied."""
    folder, clock = tmp_path_factory.mktemp("site"), HandClock()
    config = started(folder / "old", clock)
    run_once(config, clock)
    assert main(["backup", str(config)]) == 0
    return folder


@pytest.fixture
def old(template, tmp_path):
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return tmp_path / "old" / "central.yaml"


def own_files(config):
    data = config.parent / "data"
    return {
        file.relative_to(data).as_posix(): file.read_bytes()
        for name in identity.FILES
        if (file := data / name).exists()
    }


def events(config):
    with closing(sqlite3.connect(config.parent / "data" / "collector.db")) as conn:
        return [row[0] for row in conn.execute("SELECT code FROM event ORDER BY id")]


def only_backup(config):
    (found,) = manifest.listing(config.parent.parent / "backups")
    return found


def new_machine(config, name="new"):
    folder = config.parent.parent / name
    folder.mkdir()
    shutil.copy(config, folder)
    return folder / config.name


def test_a_new_machine_is_the_old_collector_again(fengsui, old, tmp_path):
    said = only_backup(old)
    file = identity.beside(tmp_path / "backups" / said.file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.with_suffix(".db").stat().st_mode) == 0o600
    assert (said.identity, said.identity_bytes) == ("included", file.stat().st_size)
    there = own_files(old)
    assert len(there) == 5  # no CA that follows yet

    new = new_machine(old)
    code, out = fengsui("restore", new)
    assert (code, "collector.key" in out, "enrolled again" in out) == (0, True, False)
    assert own_files(new) == there
    data = new.parent / "data"
    modes = {name: stat.S_IMODE((data / name).stat().st_mode) for name in there}
    assert modes == {name: identity.FILES[name] for name in there}
    assert not (data / moving.STAGED).exists()
    # Restored once more where it already is: nothing is asked, nothing moves.
    code, out = fengsui("restore", new)
    assert (code, "collector.key" in out, own_files(new) == there) == (0, False, True)


def test_a_machine_that_was_started_before_is_asked_whose_key_counts(fengsui, old, tmp_path, clock):
    new = started(tmp_path / "new", clock)
    run_once(new, clock)
    made = own_files(new)
    file = tmp_path / "backups" / only_backup(old).file

    code, out = fengsui("restore", new, file)
    assert (code, "collector.id, collector.key, tls/ca.pem" in out) == (1, True)
    code, out = fengsui("restore", new, file, "--identity", "keep")
    assert (code, "not of the collector" in out) == (1, True)
    assert own_files(new) == made
    assert not list((new.parent / "data").glob("*restor*"))
    code, out = fengsui("restore", new, file, "--identity", "replace")
    assert (code, own_files(new)) == (0, own_files(old))
    (aside,) = (new.parent / "data").glob("*.identity")
    assert {name: (aside / name).read_bytes() for name in made} == made
    run_once(new, clock)
    assert "COLLECTOR_KEY_MADE" not in events(new)


@pytest.mark.parametrize("moves", range(10))
def test_a_power_failure_between_two_files_is_finished(
    fengsui, old, tmp_path, clock, moves, monkeypatch
):
    new = started(tmp_path / "new", clock)  # its id and CA are there, a key is not
    rename, done = moving.Path.rename, []

    def counted(path, target):
        if len(done) == moves:
            raise OSError("the power failed")
        done.append(path)
        return rename(path, target)

    file = tmp_path / "backups" / only_backup(old).file
    with monkeypatch.context() as patched:
        patched.setattr(moving.Path, "rename", counted)
        code, _ = fengsui("restore", new, file, "--identity", "replace")
    if code:
        assert fengsui("restore", new)[0] == 0
    assert own_files(new) == own_files(old)
    data = new.parent / "data"
    assert not (data / moving.STAGED).exists()
    (aside,) = data.glob("*.identity")
    assert len([each for each in aside.rglob("*") if each.is_file()]) == 4


def test_a_place_that_shows_it_to_others_does_not_get_it(fengsui, old, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(identity.os, "fstat", lambda _: (old.parent / "data").stat())
        written = identity.write(
            identity.read_own(old.parent / "data"), "lineage", old.parent / "collector-x.db"
        )
    assert written == identity.Written(state="exposed")
    assert not list(old.parent.glob("collector-x*"))


@pytest.mark.parametrize("content", [b"x" * 70_000, b"\xff\xfe not text"])
def test_what_would_not_come_back_the_same_is_refused(old, content):
    data = old.parent / "data"
    (data / "tls" / "ca.crt").write_bytes(content)
    with pytest.raises(IdentityUnusable):
        identity.write(identity.read_own(data), "lineage", old.parent / "collector-x.db")


def test_a_pipe_in_its_place_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "collector-x.identity")
    with pytest.raises(IdentityUnusable):
        identity.parse(tmp_path / "collector-x.identity", "0" * 64, "lineage")


def test_what_was_asked_to_be_left_out_is_left_out_and_missed_on_restoring(fengsui, old):
    text = old.read_text().replace("manual", "manual, identity: leave_out")
    old.write_text(text)
    code, out = fengsui("backup", old)
    assert (code, "as configured" in out) == (0, True)
    newest = manifest.listing(old.parent.parent / "backups")[0]
    assert newest.identity == "left_out"
    assert not identity.beside(old.parent.parent / "backups" / newest.file).exists()
    assert fengsui("backups", old)[1].count("without the collector's keys") == 1
    code, out = fengsui("restore", new_machine(old))
    assert (code, "enrolled again" in out) == (0, True)


@pytest.mark.parametrize("spoil", ["gone", "changed", "another's"])
def test_a_spoilt_identity_is_refused_by_name_and_can_be_done_without(
    fengsui, old, tmp_path, spoil
):
    said = only_backup(old)
    file = identity.beside(tmp_path / "backups" / said.file)
    data = file.read_text()
    if spoil == "gone":
        file.unlink()
    elif spoil == "changed":
        file.write_text(data.replace('"keyid"', '"keyId"'))
    else:
        other = identity.write(
            identity.read_own(old.parent / "data"), "0" * 32, tmp_path / "backups" / said.file
        )
        path = manifest.beside(tmp_path / "backups" / said.file)
        known = json.loads(path.read_text()) | {"identity_sha256": other.sha256}
        path.write_text(json.dumps(known))
    new = new_machine(old)
    code, out = fengsui("restore", new)
    assert (code, file.name in out) == (1, True)
    assert not (new.parent / "data" / "collector.db").exists()
    code, out = fengsui("restore", new, "--identity", "keep")
    assert (code, "enrolled again" in out, own_files(new)) == (0, True, {})


async def test_a_backup_of_an_older_version_is_followed_by_one_with_it(collector, target, clock):
    record = await collector.backups.take("os:test")
    path = manifest.beside(target.folder / manifest.listing(target.folder)[0].file)
    said = {
        name: value
        for name, value in json.loads(path.read_text()).items()
        if not name.startswith(("identity", "file_bytes", "written"))
    }
    path.write_text(json.dumps(said | {"format": 1}))
    assert manifest.listing(target.folder)[0].identity == "missing"
    await collector.db.write(
        lambda tables: tables.conn.execute("UPDATE backup SET identity = 'missing'")
    )
    again = Backups(collector.db, clock, target, lambda effects: None)
    await again.load()
    assert again.state().identity == "missing"
    assert again._due(target) <= clock.now()
    assert (await again.take("schedule")).identity == "included" == again.state().identity
    assert again._due(target) > clock.now()
    await again.close()
    assert record.identity == "included"


def carried(collector):
    found = {family.name: family for family in backup_metrics(collector)}
    return found["fengsui_backup_identity"].samples[0].value


async def test_the_collectors_own_backup_says_when_a_key_is_missing(collector, config, target):
    key = config.database.parent / "collector.key"
    kept = key.read_bytes()
    key.write_text("rotten")
    record = await collector.backups.take("os:test")
    assert (record.identity, record.result) == ("failed", "verified")
    assert carried(collector) == 0
    assert not identity.beside(target.folder / record.file).exists()
    told = (await collector.events()).items
    assert [item.code for item in told] == ["BACKUP_IDENTITY_FAILED"]
    key.write_bytes(kept)
    record = await collector.backups.take("os:test")
    assert (record.identity, carried(collector)) == ("included", 1)
    identity.beside(target.folder / record.file).unlink()
    await collector.backups._look()
    assert (await collector.events()).items[0].code == "BACKUP_GONE"
    assert collector.backups.state().state == "gone"


KEYS = {name: Ed25519Signer.generate() for name in ("a", "b")}


def files(*names, of="a"):
    made = {
        "collector.id": of.encode() * 16,
        "collector.key": KEYS[of].dump(),
        "tls/ca.pem": of.encode(),
        "tls/server.pem": b"s" + of.encode(),
    }
    chosen = {name: made[name] for name in names or made}
    return OwnFiles(files=chosen, keyid=KEYS[of].keyid if "collector.key" in chosen else None)


NONE = OwnFiles(files={}, keyid=None)
UNREADABLE = OwnFiles(files={"collector.key": b""}, keyid=None)
A, B = files(), files(of="b")
OF_A, NEVER_RAN = Databases(known=KEYS["a"].keyid, ours=False), Databases(known=None, ours=False)
BEFORE = Databases(known=KEYS["a"].keyid, ours=True)


@pytest.mark.parametrize(
    ("ours", "theirs", "about", "wish", "put", "gives_way", "lacking"),
    [
        (NONE, A, OF_A, None, set(A.files), [], False),
        (NONE, None, OF_A, None, set(), [], True),
        (NONE, None, NEVER_RAN, None, set(), [], False),
        (A, A, OF_A, None, set(), [], False),
        (files("collector.key"), A, OF_A, None, set(A.files) - {"collector.key"}, [], False),
        (files("collector.id", "collector.key", "tls/ca.pem"), A, OF_A, None, set(), [], False),
        (B, A, OF_A, "replace", set(A.files), list(B.files), False),
        (UNREADABLE, A, OF_A, "replace", set(A.files), ["collector.key"], False),
        (files("tls/ca.pem"), A, OF_A, "replace", set(A.files), ["tls/ca.pem"], False),
        # The key was lost and made anew beside the very database: who says so keeps it.
        (B, None, BEFORE, "keep", set(), [], False),
        (A, None, OF_A, "keep", set(), [], False),
        (B, None, OF_A, "replace", set(), list(B.files), True),
        (B, None, NEVER_RAN, None, set(), [], False),
    ],
)
def test_whose_key_stands_beside_a_restored_database(
    ours, theirs, about, wish, put, gives_way, lacking
):
    found = plan(ours, theirs, about, wish)
    assert (set(found.put), sorted(found.gives_way), found.lacking) == (
        put,
        sorted(gives_way),
        lacking,
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "about", "wish", "refusal"),
    [
        (B, A, OF_A, None, IdentityDiffers),
        (B, A, BEFORE, None, IdentityDiffers),
        (UNREADABLE, A, OF_A, None, IdentityDiffers),
        (files("collector.id"), files("collector.key"), OF_A, None, IdentityDiffers),
        (B, None, OF_A, None, IdentityForeign),
        (B, None, OF_A, "keep", IdentityForeign),
        (UNREADABLE, None, OF_A, "keep", IdentityForeign),
    ],
)
def test_nothing_is_mixed_without_a_word(ours, theirs, about, wish, refusal):
    with pytest.raises(refusal) as why:
        plan(ours, theirs, about, wish)
    assert str(next(iter(ours.files))) in why.value.params["files"]


def test_the_command_knows_the_wishes():
    assert placing.WISHES == ("keep", "replace")
