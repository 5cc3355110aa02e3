"""Certificates made here are read again, by OpenSSL too; foreign bytes are refused by a code."""

import ssl

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import FengsuiError, NotAnAnswer
from protocols.tls import reading
from protocols.tls.making import make_authority, make_server
from protocols.tls.statement import Statement, encode_statement, parse_statement

BEGIN, END = 1_800_000_000_000_000, 1_900_000_000_000_000
CA = make_authority("collector.0123456789abcdef", BEGIN, END)
SERVER = make_server(CA, ["collector.0123456789abcdef", "192.0.2.1", "a.b"], BEGIN, END)


def test_a_pair_is_read_as_it_was_written():
    again = reading.read_pair(SERVER.pem())
    assert again.certificate == SERVER.certificate
    assert reading.names(again.certificate) == {"collector.0123456789abcdef", "192.0.2.1", "a.b"}
    assert reading.span(again.certificate) == (BEGIN, END)
    assert reading.issued(SERVER.certificate, CA.certificate)
    assert reading.names(CA.certificate) == frozenset()


def test_no_certificate_outlasts_its_ca_and_no_two_cas_are_alike():
    longer = make_server(CA, ["a"], BEGIN - 10**12, END + 10**12)
    assert reading.span(longer.certificate) == (BEGIN, END)
    other = make_authority("collector.0123456789abcdef", BEGIN, END)
    assert other.certificate.subject != CA.certificate.subject
    assert not reading.issued(SERVER.certificate, other.certificate)


def test_openssl_takes_them():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=CA.public().decode())
    assert len(context.get_ca_certs()) == 1


def test_a_key_of_another_certificate_and_one_with_a_password_are_refused():
    with pytest.raises(reading.KeyOther):
        reading.must_fit(SERVER.certificate, CA.key)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked = CA.key.private_bytes(*form, serialization.BestAvailableEncryption(b"secret"))
    with pytest.raises(reading.KeyUnreadable) as caught:
        reading.read_key(locked)
    assert "secret" not in str(caught.value)
    foreign = ed25519.Ed25519PrivateKey.generate()
    with pytest.raises(reading.KeyOther):
        reading.must_fit(SERVER.certificate, foreign)


def test_a_private_key_is_not_shown():
    assert "PRIVATE" not in repr(CA)
    assert b"PRIVATE" not in CA.public()


@given(st.binary(max_size=300) | st.just(SERVER.pem()[:200]))
def test_foreign_bytes_are_refused(data):
    for read in (reading.read_certificates, reading.read_key, reading.read_pair):
        with pytest.raises(FengsuiError):
            read(data)


# A serial number that is none: read today, and refused by a version of the library to come.
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@given(place=st.integers(0, len(CA.public()) - 1), byte=st.integers(0, 255))
def test_a_damaged_certificate_never_surprises(place, byte):
    damaged = bytearray(CA.public())
    damaged[place] = byte
    try:
        found = reading.read_certificates(bytes(damaged))
    except reading.CertificateUnreadable:
        return
    assert all(reading.span(each) for each in found)


SAID = Statement(
    collector="0123456789abcdef",
    key="ed25519:AAAA",
    name="collector.0123456789abcdef",
    authorities=(CA.public().decode(),),
    now=BEGIN + 1,
    nonce="ab" * 16,
)


def test_a_statement_is_read_as_it_was_said():
    assert parse_statement(encode_statement(SAID), SAID.nonce) == SAID


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"ab', b'"bb'),
        (b'"0123456789abcdef"', b'"../../etc"'),
        (b"-----BEGIN CERTIFICATE-----", b"-----BEGIN PRIVATE KEY-----"),
        (b'"now":"2027', b'"now":"yesterday'),
        (b'"name":"', b'"name":"*.'),
        (b'"authorities":[', b'"authorities":[[],'),
        (b"{", b"["),
    ],
)
def test_anything_else_is_no_statement(old, new):
    body = encode_statement(SAID)
    assert old in body
    with pytest.raises(NotAnAnswer):
        parse_statement(body.replace(old, new, 1), SAID.nonce)


@given(st.binary(max_size=200))
def test_foreign_bytes_are_no_statement(data):
    with pytest.raises(NotAnAnswer):
        parse_statement(data, SAID.nonce)
