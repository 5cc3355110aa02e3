"""Two libraries, one algorithm: each signs what the other accepts, and neither accepts more."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from protocols.signing import ed25519

pytest.importorskip("nacl")

SECRETS = st.binary(min_size=32, max_size=32)
ORDER = 2**252 + 27742317777372353535851937790883648493


@given(SECRETS, st.binary(max_size=2000))
def test_both_make_one_signature_and_accept_it(secret, data):
    key = Ed25519PrivateKey.from_private_bytes(secret)
    raw = key.public_key().public_bytes_raw()
    signature = ed25519.signing_by_sodium(key)(data)
    assert signature == ed25519.signing_by_openssl(key)(data)
    assert ed25519.fitting_by_sodium(raw)(signature, data)
    assert ed25519.fitting_by_openssl(raw)(signature, data)


@given(SECRETS, st.binary(max_size=80), st.integers(0, 511), st.binary(max_size=70))
def test_neither_accepts_anything_else(secret, data, bit, other):
    key = Ed25519PrivateKey.from_private_bytes(secret)
    raw = key.public_key().public_bytes_raw()
    good = key.sign(data)
    flipped = bytearray(good)
    flipped[bit // 8] ^= 1 << bit % 8
    s = int.from_bytes(good[32:], "little") + ORDER
    malleable = good[:32] + s.to_bytes(32, "little")
    cases = [
        (bytes(flipped), data),
        (malleable, data),
        (good + b"\0", data),
        (good + data[:1], data[1:]),  # the boundary between the two moved
        (good[:63], good[63:] + data),
        (good, data + b"\0"),
        (b"", data),
    ]
    cases += [(other, data)] if other != good else []
    for fits in (ed25519.fitting_by_sodium(raw), ed25519.fitting_by_openssl(raw)):
        assert not any(fits(*case) for case in cases if case != (good, data))
