"""Keys: the RFC's vectors, one text for one key, and nothing private ever shown."""

import copy
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from protocols.signing.keys import KEYID, Ed25519Signer, KeyUnusable, PublicKey, verify

# RFC 8032 section 7.1, tests 1, 2 and 3: secret, public, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_signs_and_verifies_as_the_rfc_says(secret, public, message, signature):
    signer = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)))
    data, value = bytes.fromhex(message), bytes.fromhex(signature)
    assert signer.public.raw.hex() == public
    assert signer.sign(data) == value
    assert verify(signer.public, value, data)
    assert not verify(signer.public, value, data + b"x")
    assert not verify(signer.public, value[:-1], data)


def test_a_key_is_written_and_read_again():
    signer = Ed25519Signer.generate()
    again = Ed25519Signer.load(signer.dump())
    assert again.public == signer.public
    assert again.sign(b"x") == signer.sign(b"x")
    assert KEYID.fullmatch(signer.keyid)


def test_nothing_shows_the_private_half():
    signer = Ed25519Signer.generate()
    secret = signer._private.private_bytes_raw().hex()
    assert repr(signer) == f"Ed25519Signer({signer.keyid})"
    assert secret not in repr(signer) + str(signer) + repr(signer.public)
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(signer)


@pytest.mark.parametrize(
    "pem",
    [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"\xff" * 100,
     ec.generate_private_key(ec.SECP256R1()).private_bytes(
         Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())],
)  # fmt: skip
def test_what_is_no_key_is_refused_without_repeating_it(pem):
    with pytest.raises(KeyUnusable) as caught:
        Ed25519Signer.load(pem)
    assert set(caught.value.params) == {"reason"}


@given(st.binary(min_size=32, max_size=32))
def test_one_text_for_one_public_key(raw):
    try:
        key = PublicKey("ed25519", raw)
    except KeyUnusable:
        return  # one of the few of small order, below
    assert PublicKey.parse(key.encode()) == key
    assert PublicKey.parse(key.encode()).keyid == key.keyid


@given(st.text(max_size=80) | st.from_regex(r"ed25519:[A-Za-z0-9_-]{40,46}", fullmatch=True))
def test_any_other_text_is_refused(text):
    try:
        assert PublicKey.parse(text).encode() == text
    except KeyUnusable:
        return


def test_an_algorithm_we_do_not_know_is_refused():
    with pytest.raises(KeyUnusable):
        PublicKey("sm2", b"x" * 32)


def added(one, other):
    (x1, y1), (x2, y2) = one, other
    k = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + k, P - 2, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - k, P - 2, P) % P
    return x, y


def on_the_curve(y):
    """Return a point with that y, or None."""
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    root = pow(square, (P + 3) // 8, P)
    for x in (root, root * pow(2, (P - 1) // 4, P) % P):
        if x * x % P == square:
            return x, y % P
    return None


def test_keys_of_small_order_are_refused_in_every_form():
    order_8 = ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
               "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")  # fmt: skip
    known = [int.from_bytes(bytes.fromhex(text), "little") for text in order_8]
    for y in (0, 1, P - 1, P, P + 1, *known):
        point = on_the_curve(y)
        for _ in range(3):
            point = added(point, point)
        assert point == (0, 1), "eight times the point is nothing: it is of small order"
        for sign in (0, 1 << 255):
            with pytest.raises(KeyUnusable):
                PublicKey("ed25519", (y | sign).to_bytes(32, "little"))
