"""`backup`, `backups` and `restore` as people run them, and what they leave when interrupted."""

import json
import re
import sqlite3
from contextlib import closing

import pytest

from central.__main__ import main
from central.backup import manifest, restore
from central.database_file import NOTE
from tests.central.commands.test_commands import ask, log_in, running


@pytest.fixture
def fengsui(capsys):
    def run(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return run


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "central.yaml"
    file.write_text(
        "format: v1\ndatabase: data/collector.db\nlisten: {port: 0}\n"
        "backup: {folder: backups, every: manual}\n"
    )
    return file


@pytest.fixture
def database(config, fengsui):
    """A collector that has run; returns the path of its database."""
    assert fengsui("create-admin", config, "ann", "--login-link")[0] == 0
    return config.parent / "data" / "collector.db"


def moved_aside(database):
    found = database.parent.glob("collector.db.before-restore-*")
    return [path for path in found if path.name.endswith("Z") or path.name[-2:] == "-2"]


def rows(file, sql):
    with closing(sqlite3.connect(file)) as conn:
        return conn.execute(sql).fetchall()


def value(file, key):
    return rows(file, f"SELECT value FROM collector WHERE key = '{key}'")


def persons(file):
    return [row[0] for row in rows(file, "SELECT name FROM person ORDER BY name")]


def test_a_restored_database_is_another_and_says_so(fengsui, config, database):
    code, out, _ = fengsui("backup", config)
    assert (code, "备份已做成并通过校验" in out) == (0, True)
    before = value(database, "incarnation")
    fengsui("create-admin", config, "bob", "--login-link")

    code, out, err = fengsui("restore", config)
    assert code == 0, err
    (aside,) = moved_aside(database)
    assert str(aside) in out
    assert "1 条操作记录" in out
    assert (persons(database), persons(aside)) == (["ann"], ["ann", "bob"])
    assert value(database, "incarnation") != before == value(aside, "incarnation")
    assert database.stat().st_mode & 0o777 == 0o600
    assert value(database, "lineage") == value(aside, "lineage")
    ((params,),) = rows(database, "SELECT params FROM event WHERE code = 'COLLECTOR_RESTORED'")
    assert json.loads(params)["file"] == manifest.listing(config.parent / "backups")[0].file
    assert fengsui("check", config, "--audit")[0] == 0
    ((action,),) = rows(database, "SELECT action FROM audit ORDER BY id DESC LIMIT 1")
    assert action == "COLLECTOR_RESTORED"
    assert rows(database, "SELECT count(*) FROM backup WHERE result = 'verified'") == [(1,)]
    # And it works: a second one is made from it, and it can be restored once more.
    assert fengsui("backup", config)[0] == 0
    assert fengsui("restore", config, "--language", "en")[0] == 0
    assert len(moved_aside(database)) == 2


def test_a_running_collector_makes_the_backup_and_is_not_restored(fengsui, config, database):
    link = fengsui("create-admin", config, "ann", "--login-link")[1]
    with running(config) as (_, port):
        code, out, err = fengsui("backup", config)
        assert code == 0, err
        found = manifest.listing(config.parent / "backups")
        assert found[0].sha256 in out
        refused = fengsui("restore", config)
        assert (refused[0], "已有平台在使用" in refused[2]) == (1, True)
        _, cookie = log_in(
            port, {"code": re.search(r"code=(\S+)", link)[1]}, "/api/v1/session/link"
        )
        connection, answer = ask(port, "GET", "/api/v1/overview", cookie=cookie)
        platform = json.loads(answer.read())["platform"]
        connection.close()
        assert (platform["backup"], platform["backup_bytes"]) == ("ok", found[0].bytes)
        assert platform["backup_identity"] == "included"
        (config.parent / "backups").rename(config.parent / "elsewhere")
        code, _, err = fengsui("backup", config, "--language", "en")
        assert (code, "No backup was made" in err) == (1, True)
    assert len(rows(database, "SELECT 1 FROM event WHERE code LIKE 'BACKUP%'")) >= 1


def test_check_says_when_a_backup_would_go_with_the_disk(fengsui, config):
    code, out, _ = fengsui("check", config)
    assert (code, "同一块磁盘" in out) == (0, True)


def test_backups_are_listed_newest_first(fengsui, config, database):
    assert fengsui("backups", config)[0] == 1
    fengsui("backup", config)
    fengsui("backup", config)
    code, out, _ = fengsui("backups", config)
    names = re.findall(r"collector-\S+\.db", out)
    assert (code, len(names)) == (0, 2)
    assert names == [item.file for item in manifest.listing(config.parent / "backups")]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("command", ["backup", "backups", "restore"])
def test_without_a_target_it_says_so(fengsui, tmp_path, command, language):
    config = tmp_path / "central.yaml"
    config.write_text("format: v1\ndatabase: data/collector.db\n")
    code, _, err = fengsui(command, config, "--language", language)
    assert (code, bool(err)) == (1, True)
    assert not (tmp_path / "data" / "collector.db").exists()


def spoil_byte(file):
    with file.open("r+b") as target:
        target.seek(30_000)
        target.write(b"\xff\x00\xff")


def of_a_newer_version(file):
    """A backup whose digest is right, of tables this program does not know."""
    with closing(sqlite3.connect(file)) as conn, conn:
        conn.execute("INSERT INTO _sqlite_migrations VALUES (99, 'collector', 'm999_x', 'now')")
    said = json.loads(manifest.beside(file).read_text())
    said |= {"bytes": file.stat().st_size, "sha256": restore.sha256_of(file, lambda *_: None)}
    manifest.beside(file).write_text(json.dumps(said))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_byte, "SHA-256"),
        (lambda file: file.write_bytes(b""), "SHA-256"),
        (lambda file: manifest.beside(file).unlink(), ".json"),
        (lambda file: manifest.beside(file).write_text("["), ".json"),
        (lambda file: file.unlink(), "collector-"),
        (of_a_newer_version, "m999_x"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused_and_nothing_is_moved(
    fengsui, config, database, spoil, said
):
    fengsui("backup", config)
    file = config.parent / "backups" / manifest.listing(config.parent / "backups")[0].file
    spoil(file)
    before = sorted(path.name for path in database.parent.iterdir())
    code, _, err = fengsui("restore", config, file)
    assert (code, said in err) == (1, True), err
    assert sorted(path.name for path in database.parent.iterdir()) == before


@pytest.mark.parametrize("moves", range(4))
def test_a_restore_that_was_interrupted_is_finished_by_the_next(
    fengsui, config, database, moves, monkeypatch
):
    fengsui("backup", config)
    fengsui("create-admin", config, "bob", "--login-link")
    for side in ("-wal", "-shm"):
        (database.parent / f"collector.db{side}").write_bytes(b"left by a kill")
    rename, done = restore.Path.rename, []

    def counted(path, target):
        if len(done) == moves:
            raise OSError("the power failed")
        done.append(path)
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(restore.Path, "rename", counted)
        assert fengsui("restore", config)[0] == 1
    assert (database.parent / NOTE).exists()
    code, _, err = fengsui("create-admin", config, "eve", "--login-link")
    assert (code, "没有做完的恢复" in err) == (1, True)
    assert fengsui("restore", config)[0] == 0
    assert persons(database) == ["ann"]
    assert fengsui("create-admin", config, "eve", "--login-link")[0] == 0
    assert persons(database) == ["ann", "eve"]
    assert not (database.parent / NOTE).exists()


def test_a_database_that_cannot_be_read_is_moved_aside_too(fengsui, config, database):
    fengsui("backup", config)
    database.write_bytes(b"no database at all")
    code, out, _ = fengsui("restore", config)
    assert (code, "无法统计" in out) == (0, True)
    assert persons(database) == ["ann"]


def test_what_was_revoked_since_is_named(fengsui, config, database):
    fengsui("backup", config)
    with closing(sqlite3.connect(database)) as conn, conn:
        conn.execute("UPDATE person SET disabled = 1 WHERE name = 'ann'")
    assert "请重新停用：ann" in fengsui("restore", config)[1]


def test_keys_that_ended_since_are_named_and_open_codes_do_not_come_back(fengsui, config, database):
    with closing(sqlite3.connect(database)) as conn, conn:
        conn.execute("INSERT INTO gateway(name, label, created) VALUES ('gw-k', '[]', 1)")
        conn.execute(
            "INSERT INTO gateway_key(keyid, gateway, alg, public, state, created) "
            "VALUES ('ed25519:1', 'gw-k', 'ed25519', x'00', 'active', 1)"
        )
        conn.execute(
            "INSERT INTO enrolment_code(id, gateway, salt, secret, created, created_by, opens, "
            "expires) VALUES ('K7Q', 'gw-k', x'00', x'01', 1, 'duty', 1, 9000000000000000)"
        )
    fengsui("backup", config)
    with closing(sqlite3.connect(database)) as conn, conn:
        conn.execute("UPDATE gateway_key SET state = 'revoked', ended = 2")
        conn.execute(
            "INSERT INTO gateway_key(keyid, gateway, alg, public, state, created) "
            "VALUES ('ed25519:2', 'gw-k', 'ed25519', x'01', 'active', 3)"
        )
    said = fengsui("restore", config)[1]
    assert "重新吊销：gw-k" in said
    assert "请核对：gw-k" in said
    assert rows(database, "SELECT state, secret FROM enrolment_code") == [("withdrawn", None)]
    # What ended is on record, whoever restores the same backup once more.
    (newest,) = manifest.listing(config.parent / "backups")
    for _ in range(2):
        ((backup, restored, ended),) = rows(
            database, "SELECT backup, restored, ended FROM restoration"
        )
        assert (backup, json.loads(ended)) == (newest.time, ["ed25519:1"])
        assert backup < restored
        assert fengsui("restore", config)[0] == 0


def test_sessions_that_were_ended_do_not_come_back(fengsui, config, database):
    with closing(sqlite3.connect(database)) as conn, conn:
        conn.execute("INSERT INTO session VALUES ('hash', 'ann', 1, 1, 9000000000000000)")
    fengsui("backup", config)
    assert fengsui("restore", config)[0] == 0
    assert rows(database, "SELECT * FROM session") == []
    assert rows(database, "SELECT * FROM login_link") == []


def test_a_restore_that_finds_no_room_leaves_nothing_behind(fengsui, config, database, monkeypatch):
    fengsui("backup", config)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(restore.os, "fsync", full)
        code, _, err = fengsui("restore", config)
    assert (code, "No space left" in err) == (1, True)
    assert not list(database.parent.glob("*restor*"))
    assert fengsui("restore", config)[0] == 0
