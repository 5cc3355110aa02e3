"""Codes people type, what both sides prove, and the text of the QR code."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.enrolment import (
    ALPHABET,
    CodeUnreadable,
    Invitation,
    InvitationUnreadable,
    Transcript,
    digits,
    id_of,
    new_code,
    proof,
    proves,
    read_code,
    read_invitation,
    show_code,
    stretch,
    write_invitation,
)

CODES = st.text(ALPHABET, min_size=10, max_size=10)
KEY = b"k" * 32
SAID = Transcript(
    code_id="K7Q",
    boot="b" * 32,
    gateway_nonce="1" * 32,
    collector_nonce="2" * 32,
    gateway_key="ed25519:a",
    collector_id="0123456789abcdef",
    collector_key="ed25519:b",
    certificate=None,
)


@given(CODES)
def test_what_is_shown_is_read_back(code):
    assert read_code(show_code(code)) == code
    assert len(show_code(code)) == 12


@given(CODES, st.data())
def test_case_blanks_dashes_and_look_alikes_do_not_matter(code, data):
    typed = ""
    for letter in code:
        alike = {"0": "0Oo", "1": "1IiLl"}.get(letter, letter + letter.lower())
        typed += data.draw(st.sampled_from(alike))
        typed += data.draw(st.sampled_from(("", "", " ", "-", "－", " - ")))
    assert read_code(typed) == code


@pytest.mark.parametrize(
    "typed",
    ["", "K7QF-3M9X", "K7QF-3M9X-PDX", "K7QF-3M9X-PU", "K7QF_3M9X_PD", "入网码入网码入网码入"],
)
def test_what_is_no_code_is_refused(typed):
    with pytest.raises(CodeUnreadable):
        read_code(typed)


@given(st.text(max_size=40))
def test_any_text_is_a_code_or_is_refused(typed):
    try:
        code = read_code(typed)
    except CodeUnreadable:
        return
    assert len(code) == 10
    assert set(code) <= set(ALPHABET)


def test_codes_are_not_guessed_from_each_other():
    made = {new_code() for _ in range(2000)}
    assert len(made) == 2000
    assert {letter for code in made for letter in code} == set(ALPHABET)
    assert id_of("K7QF3M9XPD") == "K7Q"


def test_stretching_depends_on_every_character_and_the_salt():
    key = stretch("K7QF3M9XPD", b"s" * 16)
    assert len(key) == 32
    assert key == stretch("K7QF3M9XPD", b"s" * 16)
    assert key != stretch("K7QF3M9XPE", b"s" * 16)
    assert key != stretch("K7QF3M9XPD", b"t" * 16)


def test_a_proof_fits_its_side_key_and_transcript_only():
    shown = proof(KEY, "gateway", SAID)
    assert proves(KEY, "gateway", SAID, shown)
    assert not proves(KEY, "collector", SAID, shown)
    assert not proves(b"x" * 32, "gateway", SAID, shown)
    assert not proves(KEY, "gateway", SAID, "")
    for field in fields(Transcript):
        other = replace(SAID, **{field.name: "3" * 32})
        assert not proves(KEY, "gateway", other, shown), field.name
        assert digits(KEY, other) != digits(KEY, SAID), field.name


@given(st.binary(min_size=32, max_size=32))
def test_digits_are_six(key):
    assert len(digits(key, SAID)) == 6
    assert digits(key, SAID).isdecimal()


@given(CODES, st.booleans(), st.sampled_from(("http", "https")))
def test_the_qr_text_is_read_back(code, with_ca, scheme):
    ca = "ab" * 32 if with_ca else None
    made = Invitation(url=f"{scheme}://collector.example:8443/base", ca=ca, code=code)
    assert read_invitation(write_invitation(made)) == made
    assert code not in repr(made)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://example.org",
        "FENGSUI2|https://a|-|K7QF-3M9X-PD",
        "FENGSUI1|ftp://a|-|K7QF-3M9X-PD",
        "FENGSUI1|https://user@a|-|K7QF-3M9X-PD",
        "FENGSUI1|https://a:port|-|K7QF-3M9X-PD",
        "FENGSUI1|https://a|abc|K7QF-3M9X-PD",
        "FENGSUI1|https://a|-|K7QF-3M9X-PD|more",
        "FENGSUI1|https://a b|-|K7QF-3M9X-PD",
    ],
)
def test_another_text_is_refused(text):
    with pytest.raises(InvitationUnreadable):
        read_invitation(text)


@given(st.text(max_size=200))
def test_any_scanned_text_is_an_invitation_or_is_refused(text):
    for scanned in (text, f"FENGSUI1|{text}", f"FENGSUI1|https://a|-|{text}"):
        try:
            found = read_invitation(scanned)
        except (InvitationUnreadable, CodeUnreadable):
            continue
        assert read_invitation(write_invitation(found)) == found
