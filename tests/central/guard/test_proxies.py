"""Whose word about addresses counts, and how it is read."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.guard.proxies import HOPS, Proxies

OURS = Proxies([ipaddress.ip_network(text) for text in ("10.1.0.0/24", "2001:db8::1/128")])


def seen(*forwarded, peer="10.1.0.7", proxies=OURS):
    scope = {
        "client": (peer, 4711),
        "headers": [(b"x-forwarded-for", each.encode()) for each in forwarded],
    }
    proxies.apply(scope)
    return scope["client"][0]


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        (("192.0.2.9",), "192.0.2.9"),
        (("198.51.100.1, 192.0.2.9",), "192.0.2.9"),  # the left one anybody may have written
        (("198.51.100.1", "192.0.2.9"), "192.0.2.9"),
        (("192.0.2.9, 10.1.0.8",), "192.0.2.9"),  # through two proxies of ours
        (("192.0.2.9, 2001:db8::1",), "192.0.2.9"),
        (("192.0.2.9:50123",), "192.0.2.9"),
        (("[2001:db8:7::9]:50123",), "2001:db8:7::9"),
        (("2001:db8:7::9",), "2001:db8:7::9"),
        (("::ffff:192.0.2.9",), "192.0.2.9"),
        ((), "10.1.0.7"),
        (("",), "10.1.0.7"),
        (("192.0.2.9, unknown",), "10.1.0.7"),
        (("10.1.0.8",), "10.1.0.7"),
        ((", ".join(["192.0.2.9"] + ["10.1.0.8"] * HOPS),), "10.1.0.7"),
    ],
)
def test_the_list_is_read_from_the_right(forwarded, expected):
    assert seen(*forwarded) == expected


def test_nobody_else_is_believed():
    assert seen("192.0.2.9", peer="192.0.2.66") == "192.0.2.66"
    assert seen("192.0.2.9", proxies=Proxies([])) == "10.1.0.7"
    for here in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        assert seen("192.0.2.9", peer=here, proxies=Proxies([])) == "192.0.2.9"
        assert not Proxies([]).named(here), "its connections count like others'"
    assert OURS.named("10.1.0.7")
    scope = {"client": None, "headers": [(b"x-forwarded-for", b"192.0.2.9")]}
    OURS.apply(scope)
    assert scope["client"] is None


@given(st.binary(max_size=200))
def test_whatever_is_written_there_is_an_address_or_nothing(text):
    scope = {"client": ("10.1.0.7", 1), "headers": [(b"x-forwarded-for", text)]}
    OURS.apply(scope)
    assert ipaddress.ip_address(scope["client"][0])


@pytest.mark.parametrize(
    ("peer", "said", "expected"),
    [
        ("10.1.0.7", [b"https"], "https"),
        ("10.1.0.7", [b"gopher"], "http"),
        ("10.1.0.7", [], "http"),
        ("192.0.2.66", [b"https"], "http"),
    ],
)
def test_how_somebody_came_to_the_proxy(peer, said, expected):
    headers = [(b"x-forwarded-proto", each) for each in said]
    scope = {"client": (peer, 1), "headers": headers, "scheme": "http"}
    OURS.apply(scope)
    assert (scope["scheme"], scope["client"]) == (expected, (peer, 1))
