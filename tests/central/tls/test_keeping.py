"""What is shown to whoever connects: real handshakes, changed under connections that stay."""

import socket
import ssl
import threading
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from central.tls.authority import DAY, YEAR
from central.tls.doorplate import Doorplate
from central.tls.folder import OwnFileUnusable
from central.tls.keeping import Given, Nothing, Own, keeping
from central.tls.settings import GivenTls, OwnTls
from protocols.tls import reading
from protocols.tls.names import server_name
from tests.certificates import authority, now, put, server

ID = "0123456789abcdef"


class Echo:
    """A TLS server in a thread: each connection gets back what it sends."""

    def __init__(self, context):
        self._context = context
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = self._listening.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain):
        with suppress(OSError), self._context.wrap_socket(plain, server_side=True) as made:
            while data := made.recv(100):
                made.sendall(data)

    def close(self):
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture
def connect():
    """Connect to what a plate shows, trusting anybody; returns the connection."""
    opened = []

    def connected(plate, *, at_most=None):
        echo = Echo(plate.context)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if at_most:
            context.maximum_version = at_most
        plain = socket.create_connection(echo.address, timeout=20)
        opened.append(echo)
        made = context.wrap_socket(plain, server_hostname="127.0.0.1")
        opened.append(made)
        return made

    yield connected
    for each in reversed(opened):
        each.close()


def shown(connection):
    return reading.fingerprint(x509.load_der_x509_certificate(connection.getpeercert(True)))


def says(connection, what):
    connection.sendall(what)
    return connection.recv(100) == what


def test_a_renewal_under_a_live_connection(tmp_path, connect):
    kept = keeping(OwnTls(), tmp_path, ID)
    assert kept.look(now(), sure=True) == []
    before = connect(kept.plate)
    assert says(before, b"one")
    notes = kept.look(now() + 300 * DAY, sure=True)
    assert [note.code for note in notes] == ["TLS_RENEWED"]
    assert says(before, b"two")
    after = connect(kept.plate)
    assert says(after, b"three")
    assert shown(after) != shown(before)
    assert kept.plate.fingerprints == (shown(after), shown(before))
    assert kept.shown.name == server_name(ID)


def test_a_roll_of_the_ca_is_told(tmp_path):
    kept = Own(keeping(OwnTls(), tmp_path, ID)._authority, server_name(ID))
    kept.look(now() - 19 * YEAR, sure=True)
    first = kept.shown
    kept.look(now() - 3 * YEAR, sure=True)
    assert len(kept.shown.authorities) == 2
    assert kept.shown.fingerprint == first.fingerprint
    notes = kept.look(now(), sure=True)
    assert {note.code for note in notes} == {"TLS_RENEWED", "TLS_CA_CHANGED"}
    assert kept.shown.authorities == (
        reading.as_pem(reading.read_certificates((tmp_path / "tls" / "ca.crt").read_bytes()))
    )


def test_a_disk_that_fails_leaves_what_is_shown(tmp_path, connect):
    kept = keeping(OwnTls(), tmp_path, ID)
    kept.look(now(), sure=True)
    (tmp_path / "tls" / "ca.pem").write_bytes(b"nonsense")
    notes = kept.look(now() + 300 * DAY, sure=True)
    assert [(note.code, note.fault) for note in notes] == [("TLS_NOT_RENEWED", True)]
    assert says(connect(kept.plate), b"still")


def test_a_clock_of_1970_at_the_start_shows_what_there_is(tmp_path, connect):
    keeping(OwnTls(), tmp_path, ID).look(now(), sure=True)
    kept = keeping(OwnTls(), tmp_path, ID)
    assert [note.code for note in kept.look(30_000_000, sure=False)] == ["TLS_CLOCK_WRONG"]
    assert says(connect(kept.plate), b"here")


def given(folder, pair, key=None):
    put(folder / "chain.pem", pair)
    put(folder / "key.pem", key or pair)
    return GivenTls(certificate=folder / "chain.pem", key=folder / "key.pem")


def test_a_given_certificate_is_taken_up_when_its_files_change(tmp_path, connect):
    by = authority()
    kept = Given(given(tmp_path, server(by, "a.example")))
    assert kept.look(now(), sure=True) == []
    before = connect(kept.plate)
    assert kept.look(now(), sure=True) == []
    other = server(by, "a.example")
    put(tmp_path / "chain.pem", other)  # between two files nothing fits
    assert [note.code for note in kept.look(now(), sure=True)] == ["TLS_NOT_RENEWED"]
    assert shown(connect(kept.plate)) == shown(before)
    put(tmp_path / "key.pem", other)
    assert [note.code for note in kept.look(now(), sure=True)] == ["TLS_RENEWED"]
    assert shown(connect(kept.plate)) == reading.fingerprint(other.certificate)
    assert says(before, b"still here")
    (tmp_path / "chain.pem").unlink()
    assert [note.code for note in kept.look(now(), sure=True)] == ["TLS_NOT_RENEWED"]


@pytest.mark.parametrize("at_most", [None, ssl.TLSVersion.TLSv1_2])
def test_a_key_of_another_kind_takes_the_place_of_the_former(tmp_path, connect, at_most):
    plate = Doorplate()
    plate.show(put(tmp_path / "ec.pem", server(authority())))
    by, key = authority(), rsa.generate_private_key(65537, 2048)
    made = (
        x509.CertificateBuilder(by.certificate.subject, by.certificate.subject, key.public_key())
        .serial_number(7)
        .not_valid_before(by.certificate.not_valid_before_utc)
        .not_valid_after(by.certificate.not_valid_after_utc)
        .sign(by.key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(*form, serialization.NoEncryption())
    (tmp_path / "rsa.pem").write_bytes(made.public_bytes(form[0]) + pem)
    plate.show(tmp_path / "rsa.pem")
    assert shown(connect(plate, at_most=at_most)) == reading.fingerprint(made)
    with pytest.raises(OSError, match=r"."):
        plate.show(tmp_path / "none.pem")
    assert shown(connect(plate)) == reading.fingerprint(made)


@pytest.mark.parametrize(
    ("end", "code"), [(20 * DAY, "TLS_EXPIRES_SOON"), (-DAY, "TLS_HAS_EXPIRED")]
)
def test_the_end_of_a_given_certificate_is_told_and_stops_nothing(tmp_path, connect, end, code):
    kept = Given(given(tmp_path, server(authority(), "a.example", begin=-40 * DAY, end=end)))
    assert [note.code for note in kept.look(now(), sure=True)] == [code]
    assert says(connect(kept.plate), b"served")


def test_given_files_that_are_gone_at_the_start_are_named(tmp_path):
    kept = Given(GivenTls(certificate=tmp_path / "c.pem", key=tmp_path / "k.pem"))
    with pytest.raises(OwnFileUnusable) as caught:
        kept.look(now(), sure=True)
    assert "c.pem" in str(caught.value)


def test_the_ca_of_given_files_is_what_gateways_should_trust(tmp_path):
    by = authority()
    files = given(tmp_path, server(by, "a.example"))
    (tmp_path / "ca.pem").write_bytes(by.public())
    kept = Given(GivenTls(certificate=files.certificate, key=files.key, ca=tmp_path / "ca.pem"))
    kept.look(now(), sure=True)
    assert (kept.shown.name, kept.shown.authorities) == (None, (by.public().decode(),))


def test_nothing_is_shown_where_nothing_is_asked_for(tmp_path):
    kept = keeping(None, tmp_path, ID)
    assert isinstance(kept, Nothing)
    assert kept.look(now(), sure=True) == []
    assert (kept.plate, kept.shown.authorities) == (None, ())
