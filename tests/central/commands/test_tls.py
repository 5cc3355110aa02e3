"""`listen.tls` as people meet it: mistakes with file and line, and a collector that speaks TLS."""

import json
import re
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from central.__main__ import main
from central.config import load_config
from central.tls.settings import GivenTls, OwnTls
from edge.config import CollectorLink
from edge.dialling import Dialler
from edge.trust import CertificateRefused, Trust
from edge.trust_file import TRUST, Known
from edge.uplink_http import Connection
from protocols.clock import SystemClock
from protocols.errors import ConfigError
from protocols.tls import reading
from tests.certificates import authority, put, server, trusting

ROOT = Path(__file__).resolve().parents[3]
BEGINNING = "format: v1\ndatabase: d/a.db\nlisten:\n  host: 0.0.0.0\n"
BY = authority()


@pytest.fixture
def folder(tmp_path):
    put(tmp_path / "chain.pem", server(BY, "a.example"))
    (tmp_path / "key.pem").write_bytes((tmp_path / "chain.pem").read_bytes())
    (tmp_path / "key.pem").chmod(0o600)
    put(tmp_path / "other.pem", server(BY, "a.example"))
    (tmp_path / "ca.pem").write_bytes(BY.public())
    (tmp_path / "text").write_text("nothing of the kind")
    (tmp_path / "text").chmod(0o600)
    (tmp_path / "open.pem").write_bytes((tmp_path / "key.pem").read_bytes())
    (tmp_path / "open.pem").chmod(0o644)
    return tmp_path


def load(folder, tls):
    file = folder / "central.yaml"
    file.write_text(BEGINNING + tls)
    return load_config(file)


def test_a_ca_of_its_own_is_also_for_the_names_one_states(folder):
    config = load(folder, "  tls: own\n  names: [console.example, 192.0.2.7]\n")
    names = ("console.example", "192.0.2.7", "localhost", "127.0.0.1", "::1")
    assert config.tls == OwnTls(names=names)


def test_given_files_are_relative_to_the_configuration(folder):
    config = load(folder, "  tls: {certificate: chain.pem, key: key.pem, ca: ca.pem}\n")
    assert config.tls == GivenTls(
        certificate=folder / "chain.pem", key=folder / "key.pem", ca=folder / "ca.pem"
    )


def test_without_tls_everything_is_as_it_was(tmp_path):
    file = tmp_path / "central.yaml"
    for more in ("", "listen: {tls: none}\n", "listen: {tls: none, allow_plain_http: true}\n"):
        file.write_text(f"format: v1\ndatabase: d/a.db\n{more}")
        assert load_config(file).tls is None


GIVEN = "  tls:\n    certificate: {}\n    key: {}\n"


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        ("  tls: yes\n", [("YAML_YES_NO", 5, "listen.tls")]),
        ("  tls: mine\n", [("TLS_FORM", 5, "listen.tls")]),
        ("  tls: [own]\n", [("TLS_FORM", 5, "listen.tls")]),
        ("  tls: none\n", [("LISTEN_PLAIN_HTTP", 4, "listen.host")]),
        ("  tls: own\n  allow_plain_http: true\n", [
            ("TLS_AND_PLAIN", 6, "listen.allow_plain_http")]),
        ("  allow_plain_http: true\n  names: [a.example]\n", [
            ("TLS_NAMES_USELESS", 6, "listen.names")]),
        ("  tls: own\n  names: ['a b']\n", [("HOST_FORMAT", 6, "listen.names[0]")]),
        ("  tls: {certificate: chain.pem}\n", [("KEY_MISSING", 5, "listen.tls.key")]),
        ("  tls: {certificate: chain.pem, key: key.pem, caa: x}\n", [
            ("KEY_UNKNOWN_NEAR", 5, "listen.tls.caa")]),
        (GIVEN.format("chain.pem", "other.pem"), [("TLS_KEY_OTHER", 7, "listen.tls.key")]),
        (GIVEN.format("nowhere.pem", "key.pem"), [
            ("TLS_FILE_UNREADABLE", 6, "listen.tls.certificate")]),
        (GIVEN.format("text", "text"), [
            ("TLS_CERTIFICATE_UNREADABLE", 6, "listen.tls.certificate"),
            ("TLS_KEY_UNREADABLE", 7, "listen.tls.key")]),
        (GIVEN.format("chain.pem", "open.pem"), [("TLS_KEY_OPEN", 7, "listen.tls.key")]),
        (GIVEN.format("chain.pem", "key.pem") + "    ca: text\n", [
            ("TLS_CERTIFICATE_UNREADABLE", 8, "listen.tls.ca")]),
    ],
)  # fmt: skip
def test_mistakes_are_named(folder, capsys, tls, expected):
    with pytest.raises(ConfigError) as caught:
        load(folder, tls)
    assert [(p.code, p.line, p.key) for p in caught.value.problems] == expected
    for language in ("zh", "en"):
        assert main(["check", str(folder / "central.yaml"), "--language", language]) == 1
        shown = capsys.readouterr().out.splitlines()
        assert len(shown) == len(expected)
        assert all(line.startswith(f"{folder / 'central.yaml'}:") for line in shown)
        assert not re.search(r"\{\w+\}", "".join(shown).replace("{certificate:", ""))


@contextmanager
def running(config):
    process = subprocess.Popen(
        [sys.executable, "-m", "central", "run", str(config), "--language", "en"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        found = re.search(r"https://127\.0\.0\.1:(\d+)", line)
        assert found, line + process.stderr.read()
        yield process, int(found[1])
    finally:
        process.kill()
        process.communicate()


def link_to(port, folder):
    url = f"https://127.0.0.1:{port}"
    token = folder / "token"
    token.write_text("nobody")
    return CollectorLink(url=url, token_file=token, identity_folder=folder / "identity")


def chain_at(port):
    """Return the certificate shown there, whoever made it."""
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=20)


@pytest.mark.slow
def test_a_collector_with_a_ca_of_its_own(tmp_path):
    config = tmp_path / "central.yaml"
    config.write_text("format: v1\ndatabase: data/c.db\nlisten: {port: 0, tls: own}\n")
    with running(config) as (process, port):
        tls = tmp_path / "data" / "tls"
        ca = (tls / "ca.crt").read_text()
        collector = (tmp_path / "data" / "collector.id").read_text().strip()
        assert reading.read_certificates(chain_at(port).encode())

        # What is enrolled knows the key; here it is learnt from the statement itself.
        first = Known(collector=collector, key=None, name=f"collector.{collector}",
                      authorities=(ca,))  # fmt: skip
        link = link_to(port, tmp_path)
        trust = Trust(trusting(tmp_path, first) / TRUST, SystemClock())
        connection = Connection(link, "test", trust=trust)
        reply = connection.request("POST", "health", b"{}")
        assert (reply.status, json.loads(reply.body)["code"]) == (401, "UNAUTHENTICATED")
        made = connection._dialler.dial()
        made.request("GET", "/api/v1/trust", headers={"Fengsui-Nonce": "ab" * 16})
        said = json.loads(made.getresponse().read())
        made.close()
        assert said["authorities"] == [ca]
        assert (said["collector"], said["nonce"]) == (collector, "ab" * 16)
        trusting(tmp_path, Known(collector=collector, key=said["key"], name=said["name"],
                                 authorities=()))  # fmt: skip
        connection.close()
        # Nothing is pinned now, but the key: what it signs puts the rest right.
        asked = Dialler(link, trust).ask()
        assert asked.authorities == (ca,)
        assert connection.request("POST", "health", b"{}").status == 401
        assert trust.known.authorities == (ca,)
        connection.close()

        with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200" not in plain.recv(100)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert "Traceback" not in err
    shown = (tls / "server.pem").read_bytes()
    with running(config) as (_, port):
        assert chain_at(port).encode() in shown


@pytest.mark.slow
def test_a_collector_with_given_files(folder):
    config = folder / "central.yaml"
    config.write_text(
        "format: v1\ndatabase: data/c.db\nlisten:\n  port: 0\n"
        "  tls: {certificate: chain.pem, key: key.pem, ca: ca.pem}\n"
    )
    with running(config) as (_, port):
        assert chain_at(port).encode() in (folder / "chain.pem").read_bytes()
        trust = Trust(trusting(folder, Known(collector="0123456789abcdef", key=None, name=None,
                                             authorities=(BY.public().decode(),))) / TRUST,
                      SystemClock())  # fmt: skip
        connection = Connection(link_to(port, folder), "test", trust=trust)
        with pytest.raises(CertificateRefused) as caught:
            connection.request("POST", "health", b"{}")
        assert caught.value.code == "TLS_WRONG_NAME"  # it is for a.example
        connection.close()
    assert not (folder / "data" / "tls").exists()
