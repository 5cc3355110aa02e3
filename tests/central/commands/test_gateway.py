"""`fengsui-central gateway ...`, with nobody running and beside a running collector."""

import io
import re
import sys
from types import SimpleNamespace

import pytest

from central.__main__ import main
from protocols.enrolment import read_code, read_invitation
from tests.central.commands.test_commands import running

URL = "https://collector.example:8443"
CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}")


@pytest.fixture
def fengsui(capsys, monkeypatch):
    """Run a command in this process."""

    def run(*arguments):
        monkeypatch.setattr(sys, "stdin", io.StringIO(""))
        capsys.readouterr()
        code = main(["gateway", *(str(argument) for argument in arguments)])
        out, err = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=out, stderr=err)

    return run


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "central.yaml"
    file.write_text("format: v1\ndatabase: data/collector.db\nlisten:\n  port: 0\n")
    return file


def test_a_code_is_printed_once_with_its_picture_and_listed_by_its_beginning(
    fengsui, config, tmp_path
):
    picture = tmp_path / "qr.png"
    made = fengsui("code", config, "gw-1", "--site", "s1", "--url", URL, "--png", picture)
    assert made.returncode == 0, made.stderr
    code = read_code(CODE.search(made.stdout)[0])
    invited = read_invitation(re.search(r'"(FENGSUI1[^"]*)"', made.stdout)[1])
    assert (invited.url, invited.ca, invited.code) == (URL, None, code)
    assert picture.read_bytes().startswith(b"\x89PNG")
    listed = fengsui("list", config)
    assert f"{code[:3]}…" in listed.stdout
    assert "可用" in listed.stdout
    assert code not in listed.stdout
    english = fengsui("list", config, "gw-1", "--language", "en")
    assert "gateway gw-1  open" in english.stdout
    assert "没有入网码" in fengsui("list", config, "gw-9").stdout


def test_a_work_order_is_whole_or_refused(fengsui, config):
    whole = ["--order", "W-7", "--installer", "王师傅", "--site", "s1"]
    window = ["--from", "2026-01-01T08:00", "--to", "2099-01-01T08:00"]
    for more, code in (
        (["--order", "W-7"], "免当班批准的工单要写全"),
        (whole, "免当班批准的工单要写全"),
        ([*whole, *window], "工单时间不可用"),
        ([*whole, "--from", "tomorrow", "--to", "later"], "工单时间不可用"),
    ):
        refused = fengsui("code", config, "gw-1", "--url", URL, *more)
        assert (refused.returncode, code in refused.stderr) == (1, True), refused.stderr
    now = ["--from", "2099-01-01T08:00+08:00", "--to", "2099-01-02T08:00"]
    made = fengsui("code", config, "gw-1", "--url", URL, *whole, *now)
    assert "工单 W-7（安装人 王师傅）已预先批准：2099-01-01 08:00" in made.stdout, made.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("approve", "gw-1", "123456"), "没有等待批准"),
        (("approve", "gw-1", "a" * 32), "没有等待批准"),
        (("refuse", "gw-1"), "没有等待批准"),
        (("revoke", "gw-1"), "没有可吊销"),
        (("code", "gw-1"), "--url"),
        (("code", "Not A Name", "--url", URL), "Not A Name"),
        (("code", "gw-1", "--url", URL, "--png", "/no/such/folder/qr.png"), "写不了"),
    ],
)
def test_what_cannot_be_done_is_said(fengsui, config, arguments, sentence):
    verb, *rest = arguments
    refused = fengsui(verb, config, *rest)
    assert refused.returncode == 1
    assert sentence in refused.stderr, refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_running_collector_does_it_and_knows_the_gateway_at_once(fengsui, config):
    with running(config):
        made = fengsui("code", config, "gw-1", "--url", URL)
        assert made.returncode == 0, made.stderr
        code = read_code(CODE.search(made.stdout)[0])
        assert f"{code[:3]}…" in fengsui("list", config).stdout
        assert fengsui("revoke", config, "gw-1").returncode == 0
        assert "已作废" in fengsui("list", config).stdout
        refused = fengsui("revoke", config, "gw-1", "--language", "en")
        assert (refused.returncode, "no key and no token" in refused.stderr) == (1, True)
