"""The collector's own CA through its twenty years, by a clock that may be wrong."""

import ssl

import pytest

from central.tls.authority import DAY, YEAR, Authority, AuthorityUnusable, ClockWrong
from central.tls.folder import OwnFileUnusable, collector_id
from protocols.tls import reading

ID = "0123456789abcdef"
START = 1_800_000_000_000_000


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "tls", ID, ["Console.Example", "0:0:0:0:0:0:0:1", "192.0.2.7"])


def mark(pair):
    return reading.fingerprint(pair.certificate)


def subject(held):
    return mark(held.current), held.following and mark(held.following), mark(held.server)


def test_at_the_first_start_there_is_a_ca_and_a_certificate_by_it(authority):
    assert authority.tend(START, sure=False)
    held = authority.held
    assert reading.issued(held.server.certificate, held.current.certificate)
    names = {f"collector.{ID}", "console.example", "::1", "192.0.2.7"}
    assert reading.names(held.server.certificate) == names
    begin, end = reading.span(held.server.certificate)
    assert begin <= START - DAY
    assert START + 397 * DAY < end <= START + 398 * DAY
    assert authority.published() == (held.current.public().decode(),)
    assert held.following is None


def test_only_its_owner_reads_the_keys(authority):
    authority.tend(START, sure=True)
    modes = {file.name: file.stat().st_mode & 0o777 for file in authority.folder.iterdir()}
    assert modes == {"ca.pem": 0o600, "server.pem": 0o600, "ca.crt": 0o644}
    assert b"PRIVATE" not in (authority.folder / "ca.crt").read_bytes()
    assert "PRIVATE" not in repr(authority.held)


def test_a_restart_changes_nothing(authority, tmp_path):
    authority.tend(START, sure=True)
    before = subject(authority.held)
    assert not authority.tend(START + DAY, sure=True)
    again = Authority(tmp_path / "tls", ID, ["console.example", "::1", "192.0.2.7"])
    again.tend(START + DAY, sure=True)
    assert subject(again.held) == before


@pytest.mark.parametrize("sure", [True, False])
def test_the_certificate_is_replaced_at_two_thirds_of_its_life(authority, sure):
    authority.tend(START, sure=True)
    before = subject(authority.held)
    assert not authority.tend(START + 260 * DAY, sure=sure)
    assert authority.tend(START + 270 * DAY, sure=sure)
    assert subject(authority.held)[0] == before[0]
    assert subject(authority.held)[2] != before[2]


def test_other_names_make_another_certificate(authority, tmp_path):
    authority.tend(START, sure=True)
    before = subject(authority.held)
    other = Authority(tmp_path / "tls", ID)
    assert other.tend(START, sure=True)
    assert subject(other.held)[0] == before[0]
    assert reading.names(other.held.server.certificate) == {f"collector.{ID}"}


def test_a_ca_is_announced_takes_over_and_is_forgotten(authority):
    authority.tend(START, sure=True)
    first = authority.held.current
    assert authority.tend(START + 14 * YEAR, sure=True)  # only the certificate
    assert authority.held.following is None
    authority.tend(START + 15 * YEAR + DAY, sure=True)
    following = authority.held.following
    assert mark(authority.held.current) == mark(first)
    assert authority.published() == tuple(p.public().decode() for p in (first, following))
    assert reading.issued(authority.held.server.certificate, first.certificate)
    authority.tend(START + 17 * YEAR, sure=True)
    assert mark(authority.held.following) == mark(following)
    assert authority.tend(START + 18 * YEAR + DAY, sure=True)
    assert mark(authority.held.current) == mark(following)
    assert authority.held.following is None
    assert reading.issued(authority.held.server.certificate, following.certificate)
    assert authority.published() == (following.public().decode(),)
    assert (authority.folder / "ca.crt").read_bytes() == following.public()
    names = {file.name for file in authority.folder.iterdir()}
    assert names == {"ca.pem", "ca.crt", "server.pem"}


def test_a_takeover_that_was_interrupted_is_finished(authority):
    authority.tend(START, sure=True)
    authority.tend(START + 16 * YEAR, sure=True)
    following = authority.held.following
    (authority.folder / "ca.pem").write_bytes(following.pem())
    authority.tend(START + 16 * YEAR, sure=True)
    assert mark(authority.held.current) == mark(following)
    assert authority.held.following is None
    assert reading.issued(authority.held.server.certificate, following.certificate)


def test_off_for_the_whole_overlap_and_longer(authority):
    authority.tend(START, sure=True)
    first = mark(authority.held.current)
    assert authority.tend(START + 30 * YEAR, sure=True)
    assert mark(authority.held.current) != first
    assert reading.span(authority.held.current.certificate)[1] > START + 49 * YEAR


def test_an_unsure_clock_never_touches_a_ca(authority):
    authority.tend(START, sure=True)
    first = mark(authority.held.current)
    for years in (16, 19):
        authority.tend(START + years * YEAR, sure=False)
        assert (mark(authority.held.current), authority.held.following) == (first, None)
    with pytest.raises(ClockWrong):
        authority.tend(START + 73 * YEAR, sure=False)
    assert mark(authority.held.current) == first
    # The clock is put right, and so is the certificate.
    assert authority.tend(START + DAY, sure=True)
    begin, end = reading.span(authority.held.server.certificate)
    assert begin <= START + DAY < end <= START + 400 * DAY


def test_a_clock_before_the_ca_was_made_shows_what_there_is_and_complains(authority, tmp_path):
    authority.tend(START, sure=True)
    before = subject(authority.held)
    again = Authority(tmp_path / "tls", ID, ["console.example", "::1", "192.0.2.7"])
    for sure in (True, False):
        with pytest.raises(ClockWrong):
            again.tend(30_000_000, sure=sure)
        assert subject(again.held) == before
    (authority.folder / "server.pem").unlink()
    with pytest.raises(ClockWrong):
        again.tend(30_000_000, sure=True)
    assert reading.issued(again.held.server.certificate, again.held.current.certificate)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_damaged_ca_is_never_replaced_by_itself(authority, content):
    authority.tend(START, sure=True)
    (authority.folder / "ca.pem").write_bytes(content)
    with pytest.raises(AuthorityUnusable) as caught:
        authority.tend(START + DAY, sure=True)
    assert str(authority.folder / "ca.pem") in str(caught.value)
    assert (authority.folder / "ca.pem").read_bytes() == content


def test_a_damaged_certificate_is_made_again(authority):
    authority.tend(START, sure=True)
    (authority.folder / "server.pem").write_bytes(b"nonsense")
    assert authority.tend(START + DAY, sure=True)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(authority.server_file)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "tls").write_text("in the way")
    with pytest.raises(OwnFileUnusable) as caught:
        Authority(tmp_path / "tls", ID).tend(START, sure=True)
    assert str(tmp_path / "tls") in str(caught.value)


def test_a_collector_has_one_id_for_ever(tmp_path):
    first = collector_id(tmp_path / "data")
    assert collector_id(tmp_path / "data") == first
    assert len(first) == 16
    (tmp_path / "data" / "collector.id").write_text("nonsense")
    with pytest.raises(OwnFileUnusable):
        collector_id(tmp_path / "data")
