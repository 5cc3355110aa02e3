"""The commands as people run them; the collector is a real process with a real port."""

import http.client
import io
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from central.__main__ import main
from protocols.clock import SystemClock
from protocols.texts import catalogue

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 60


@pytest.fixture
def fengsui(capsys, monkeypatch):
    """Run a command in this process: quick, and the same `main` that the script calls."""

    def run(*arguments, given=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=out, stderr=err)

    return run


@contextmanager
def running(config, *more):
    """Run the collector; yields the process and the address it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "central", "run", str(config), *more],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert found, line + process.stderr.read()
        yield process, int(found[1])
    finally:
        process.kill()
        process.communicate()


def ask(port, method, path, body=None, cookie=""):
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Content-Type": "application/json", "X-Requested-With": "fengsui", "Cookie": cookie}
    link.request(method, path, json.dumps(body) if body else None, headers)
    return link, link.getresponse()


def log_in(port, body, path="/api/v1/session"):
    link, answer = ask(port, "POST", path, body)
    answer.read()
    link.close()
    cookie = (answer.getheader("Set-Cookie") or "").split(";")[0]
    return answer.status, cookie


@pytest.fixture
def config(tmp_path):
    # Deep enough that a socket's address could not hold the folder's path.
    folder = tmp_path / ("d" * 60) / ("e" * 60)
    folder.mkdir(parents=True)
    file = folder / "central.yaml"
    file.write_text("format: v1\ndatabase: data/collector.db\nlisten:\n  port: 0\n")
    return file


def test_the_first_administrator_comes_in_by_link_and_the_second_while_it_runs(fengsui, config):
    first = fengsui("create-admin", config, "duty", "--login-link")
    assert first.returncode == 0, first.stderr
    code = re.search(r"/#/login\?code=(\S+)", first.stdout)[1]
    assert "已建立管理员 duty" in first.stdout
    with running(config) as (process, port):
        status, cookie = log_in(port, {"code": code}, "/api/v1/session/link")
        assert status == 200
        assert log_in(port, {"code": code}, "/api/v1/session/link")[0] == 401

        password = "a password of some length"
        second = fengsui("create-admin", config, "second", "--password-stdin", given=password)
        assert second.returncode == 0, second.stderr
        assert password not in second.stdout + second.stderr
        assert log_in(port, {"name": "second", "password": password})[0] == 200

        control = config.parent / "data" / "control.sock"
        assert control.stat().st_mode & 0o777 == 0o600

        # A page with its stream open does not hold up the end.
        link, stream = ask(port, "GET", "/api/v1/stream", cookie=cookie)
        assert stream.readline()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
        link.close()
        assert process.returncode == 0, err
        assert "Traceback" not in err
        assert "已停止" in out
        assert not control.exists()
    whole = fengsui("check", config, "--audit")
    assert (whole.returncode, "审计链完整:5 条" in whole.stdout) == (0, True), whole.stdout


def test_one_folder_has_one_collector(fengsui, config):
    with running(config):
        for command in ("run", "migrate"):
            refused = fengsui(command, config)
            assert refused.returncode == 1
            assert str(config.parent / "data") in refused.stderr
            assert "已有平台在使用" in refused.stderr


def test_a_taken_port_is_named(fengsui, config):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config.write_text(config.read_text().replace("port: 0", f"port: {port}"))
        refused = fengsui("run", config, "--language", "en")
    assert refused.returncode == 1
    assert f"Address 127.0.0.1 port {port} is taken" in refused.stderr
    assert not (config.parent / "data" / "collector.db").exists()


def test_ctrl_c_is_a_clean_end(config):
    with running(config) as (process, _):
        # Nobody can come in yet, and it says what to do.
        assert f"create-admin {config}" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
        assert "Traceback" not in err


def test_a_story_is_shown_and_logs_nobody_out(fengsui, config, tmp_path):
    code = re.search(r"code=(\S+)", fengsui("create-admin", config, "duty", "--login-link").stdout)
    story = tmp_path / "story.json"
    # A month of the story passes each second.
    now = SystemClock().now()
    story.write_text(json.dumps([{"real": now, "story": now, "factor": 2_592_000.0}]))
    with running(config, "--story", str(story)) as (_, port):
        status, cookie = log_in(port, {"code": code[1]}, "/api/v1/session/link")
        assert status == 200
        link, answer = ask(port, "GET", "/api/v1/session", cookie=cookie)
        assert answer.status == 200
        clock = json.loads(answer.read())["clock"]
        link.close()
        assert (clock["story"], clock["factor"]) == (True, 2_592_000.0)


def test_check_names_every_problem(fengsui, config):
    assert fengsui("check", config).returncode == 0
    config.write_text("format: v1\ndatabase: x.db\nlisten:\n  port: 99999\n  hots: x\n")
    shown = fengsui("check", config)
    assert shown.returncode == 1
    assert f"{config}:4 listen.port" in shown.stdout
    assert f"{config}:5 listen.hots" in shown.stdout
    lines = [json.loads(line) for line in fengsui("check", config, "--json").stdout.splitlines()]
    assert sorted((line["line"], line["key"]) for line in lines) == [
        (4, "listen.port"),
        (5, "listen.hots"),
    ]
    for command in (("run", config), ("create-admin", config, "a", "--login-link")):
        assert f"{config}:4" in fengsui(*command).stdout


def test_a_broken_audit_is_named_by_its_line(fengsui, config):
    assert fengsui("check", config, "--audit").returncode == 1
    for name in ("ann", "bob", "eve"):
        fengsui("create-admin", config, name, "--login-link")
    assert fengsui("check", config, "--audit", "--json").returncode == 0
    with sqlite3.connect(config.parent / "data" / "collector.db") as conn:
        conn.execute("UPDATE audit SET actor = 'nobody' WHERE id = 2")
    conn.close()
    found = fengsui("check", config, "--audit", "--json")
    assert found.returncode == 1
    assert json.loads(found.stdout)["params"]["line"] == 2


def test_migrate_makes_the_tables(fengsui, config):
    assert fengsui("migrate", config).returncode == 0
    assert (config.parent / "data" / "collector.db").is_file()


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (["duty", "--password-stdin"], "short\n", "12"),
        (["Duty", "--login-link"], None, "Duty"),
        (["duty"], "", "--login-link"),
    ],
)
def test_a_refused_administrator_leaves_nothing(fengsui, config, arguments, given, said):
    done = fengsui("create-admin", config, *arguments, given=given)
    assert done.returncode == 1
    assert said in done.stderr
    assert not (config.parent / "data" / "collector.db").exists()


def test_a_password_is_no_argument(fengsui, capsys):
    with pytest.raises(SystemExit) as ended:
        fengsui("create-admin", "--help")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "--password-stdin" in shown
    assert not re.search(r"--password(?!-stdin)", shown)


def test_the_password_is_asked_twice_on_a_terminal(config):
    for second, code in (("a password of some length", 0), ("another of some length", 1)):
        assert typed(config, "a password of some length", second) == code


def typed(config, *words):
    """Run create-admin on a terminal of its own and type `words`."""
    leader, follower = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "central", "create-admin", str(config), "duty"],
        cwd=ROOT,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    shown = b""
    try:
        for prompt, word in zip(("duty 的密码", "再输一次"), words, strict=True):
            while prompt not in shown.decode(errors="ignore"):
                shown += os.read(leader, 1024)
            os.write(leader, f"{word}\n".encode())
        code = process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()
        os.close(leader)
    assert not any(word.encode() in shown for word in words)
    return code


@pytest.mark.parametrize(
    ("database", "command", "said"),
    [
        ("central.yaml/data/x.db", "migrate", "FOLDER_UNUSABLE"),
        ("central.yaml/data/x.db", "run", "FOLDER_UNUSABLE"),
        ("central.yaml/data/x.db", "create-admin", "FOLDER_UNUSABLE"),
        ("folder", "migrate", "DATABASE_UNUSABLE"),
        ("central.yaml", "migrate", "DATABASE_UNUSABLE"),
        ("central.yaml", "audit", "DATABASE_UNUSABLE"),
        ("empty.db", "audit", "DATABASE_UNUSABLE"),
    ],
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_database_that_cannot_be_used_is_named(
    fengsui, tmp_path, database, command, said, language
):
    config = tmp_path / "central.yaml"
    config.write_text(f"format: v1\ndatabase: {database}\nlisten: {{port: 0}}\n")
    (tmp_path / "empty.db").touch()
    (tmp_path / "folder").mkdir()
    more = {"create-admin": ["boss", "--login-link"], "audit": ["--audit"]}.get(command, [])
    verb = "check" if command == "audit" else command
    done = fengsui(verb, config, *more, "--language", language)
    beginning = catalogue(language)[said].split("{")[0]
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(beginning)
    assert database.split("/")[0] in done.stderr


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_environment_without_the_extra_is_named(fengsui, config, monkeypatch, language):
    monkeypatch.setitem(sys.modules, "central.commands.create_admin", None)
    done = fengsui("create-admin", config, "duty", "--login-link", "--language", language)
    assert (done.returncode, done.stdout) == (1, "")
    assert "fengsui[central]" in done.stderr
