"""Our form of RFC 9421 against a library that knows all of it, in both directions."""

import base64
import string

import pytest
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)
from hypothesis import given
from hypothesis import strategies as st

from protocols.clock import ClockState
from protocols.errors import WireError
from protocols.signing.keys import Ed25519Signer
from protocols.signing.request import (
    BATCHES,
    INPUT,
    OPENINGS,
    OTHERS,
    SIGNATURE,
    WITHOUT_CLOCK,
    Message,
    claimed_base,
    message_of,
    read_signature,
    sign_request,
    signature_base,
    verify_request,
)
from protocols.wire.headers import (
    CHAIN,
    CLOCK,
    CONTENT_DIGEST,
    NONCE,
    ClockReport,
    content_digest,
    format_chain,
    format_clock,
)

SIGNER = Ed25519Signer.generate()
RFC_9421_KEY = b"""-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
"""
HEX = st.binary(min_size=16, max_size=16).map(bytes.hex)
TIMES = st.integers(-(2**62) + 1, 2**62 - 1)
REPORTS = st.builds(
    ClockReport, boot=HEX, mono=TIMES, wall=TIMES, state=st.sampled_from(ClockState)
)
PATHS = st.text(string.ascii_letters + string.digits + "-_~", max_size=80).map(
    lambda tail: "/api/v1/ingest/streams/" + tail
)


class Request:
    """What the library wants to see of a request."""

    def __init__(self, method, path, headers):
        self.method = method
        self.url = f"https://collector.example{path}"
        self.headers = headers


class Keys(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id):
        assert key_id == SIGNER.keyid
        return SIGNER._private.public_key()

    def resolve_private_key(self, key_id):
        assert key_id == SIGNER.keyid
        return SIGNER._private


class Verifier(HTTPMessageVerifier):
    """Of gateways that may not know the time."""

    require_created = False


def theirs(kind):
    return kind(signature_algorithm=algorithms.ED25519, key_resolver=Keys())


@st.composite
def requests(draw):
    body, nonce = draw(st.binary(max_size=50)), draw(HEX)
    components = draw(st.sampled_from((BATCHES, OPENINGS, OTHERS)))
    head = draw(st.binary(min_size=32, max_size=32))
    headers = {
        CONTENT_DIGEST: content_digest(body),
        NONCE: nonce,
        CHAIN: format_chain(draw(st.integers(0, 2**63 - 1)), head),
        CLOCK: format_clock(draw(REPORTS)),
    }
    method = draw(st.sampled_from(("PUT", "POST", "GET")))
    return method, draw(PATHS), headers, components


def message(method, path, headers, components):
    bound = CHAIN if components == BATCHES else NONCE
    return Message(
        method=method,
        path=path,
        content_digest=headers[CONTENT_DIGEST],
        bound=headers[bound],
        clock="" if components == OTHERS else headers[CLOCK],
    )


@given(requests())
def test_the_library_accepts_what_we_sign(case):
    method, path, headers, components = case
    signed = headers | sign_request(SIGNER, message(*case), headers[NONCE], components)
    verifier = theirs(Verifier)
    (result,) = verifier.verify(Request(method, path, signed), max_age=None)
    assert result.covered_components.keys() >= {f'"{name}"' for name in components}


@given(requests())
def test_we_accept_what_the_library_signs(case):
    method, path, headers, components = case
    signer = theirs(HTTPMessageSigner)
    parameters = {"keyid": SIGNER.keyid, "alg": "ed25519", "nonce": headers[NONCE]}
    base, node, _ = signer._build_signature_base(
        Request(method, path, headers),
        covered_component_ids=signer._parse_covered_component_ids(components),
        signature_params=parameters,
    )
    value = algorithms.ED25519(private_key=SIGNER._private).sign(base.encode())
    signed = headers | {
        INPUT: f"fengsui={node}",
        SIGNATURE: f"fengsui=:{base64.b64encode(value).decode()}:",
    }
    claimed = read_signature(signed)
    assert claimed_base(claimed, message(*case)) == base.encode()
    assert verify_request(SIGNER.public, claimed, message_of(signed, method, path, claimed))


@given(requests(), st.data())
def test_whatever_was_signed_cannot_be_changed(case, data):
    method, path, headers, components = case
    signed = headers | sign_request(SIGNER, message(*case), headers[NONCE], components)
    parts = ["method", "path", "digest", "bound", "nonce", "signature"]
    what = data.draw(st.sampled_from(parts if components == OTHERS else [*parts, "clock"]))
    if what == "method":
        method = "DELETE"
    elif what == "path":
        path += "x"
    elif what == "digest":
        signed[CONTENT_DIGEST] = content_digest(data.draw(st.binary(min_size=51, max_size=60)))
    elif what == "bound":
        signed[CHAIN], signed[NONCE] = format_chain(7, b"x" * 32), "f" * 31 + "0"
    elif what == "clock":
        moved = data.draw(REPORTS.filter(lambda report: format_clock(report) != headers[CLOCK]))
        signed[CLOCK] = format_clock(moved)
    elif what == "nonce":
        signed[INPUT] = signed[INPUT].replace(headers[NONCE], "f" * 31 + "1")
    else:
        signed[SIGNATURE] = f"fengsui=:{base64.b64encode(b'x' * 64).decode()}:"
    claimed = read_signature(signed)
    found = verify_request(SIGNER.public, claimed, message_of(signed, method, path, claimed))
    assert not found
    with pytest.raises((InvalidSignature, AssertionError)):
        theirs(Verifier).verify(Request(method, path, signed), max_age=None)


def test_who_signs_no_clock_where_it_belongs_has_another_form():
    for components in (BATCHES, OPENINGS):
        asked = Message(method="POST", path="/x", content_digest="sha-256=:x:", bound="y")
        with pytest.raises(WireError):
            sign_request(SIGNER, asked, "0" * 32, components)
    older = sign_request(SIGNER, asked, "0" * 32, WITHOUT_CLOCK)
    with pytest.raises(WireError):
        read_signature(older)


def test_another_key_does_not_verify():
    asked = Message(method="POST", path="/x", content_digest="sha-256=:x:", bound="y")
    claimed = read_signature(sign_request(SIGNER, asked, "0" * 32))
    assert verify_request(SIGNER.public, claimed, asked)
    assert not verify_request(Ed25519Signer.generate().public, claimed, asked)


def test_the_rfcs_own_signature_comes_out_of_the_rfcs_own_key():
    # RFC 9421 appendix B.2.6: other components than ours, the same bytes to sign.
    base = (
        '"date": Tue, 20 Apr 2021 02:07:55 GMT\n"@method": POST\n"@path": /foo\n'
        '"@authority": example.com\n"content-type": application/json\n"content-length": 18\n'
        '"@signature-params": ("date" "@method" "@path" "@authority" "content-type" '
        '"content-length");created=1618884473;keyid="test-key-ed25519"'
    )
    value = base64.b64encode(Ed25519Signer.load(RFC_9421_KEY).sign(base.encode())).decode()
    assert value == (
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    )


@given(st.text(max_size=300), st.text(max_size=200))
def test_reading_is_total(stated, value):
    assert read_signature({INPUT: stated, SIGNATURE: value}) is None
    with pytest.raises(WireError):
        read_signature({INPUT: f"fengsui={stated}", SIGNATURE: value})


@pytest.mark.parametrize(
    "change",
    [
        ("fengsui=(", "fengsui=( "), ('"@path"', '"@authority"'), (";nonce", ";created=1;nonce"),
        ('alg="', 'alg= "'), ("fengsui-nonce", "fengsui-lane"), (";keyid", ";tag"),
    ],
)  # fmt: skip
def test_another_form_of_the_same_is_refused(change):
    asked = Message(method="POST", path="/x", content_digest="sha-256=:x:", bound="y")
    fields = sign_request(SIGNER, asked, "0" * 32)
    fields[INPUT] = fields[INPUT].replace(*change)
    with pytest.raises(WireError):
        read_signature(fields)


def test_a_signature_of_somebody_else_is_not_ours():
    assert read_signature({}) is None
    assert read_signature({INPUT: 'proxy=("@path");keyid="x"', SIGNATURE: "proxy=:AA==:"}) is None


@pytest.mark.parametrize("path", ["", "/a b", "/a\nb", "/é", "/" + "x" * 3000])
def test_what_cannot_stand_in_a_line_is_refused(path):
    asked = Message(method="POST", path=path, content_digest="sha-256=:x:", bound="y")
    with pytest.raises(WireError):
        signature_base(asked, OTHERS, "()")
