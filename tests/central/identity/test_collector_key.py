"""The collector's own key: made once, for its account alone, and its loss is told."""

import stat

import pytest

from central import events
from central.identity import audit, collector_key, gateway_keys
from central.identity.collector_key import CollectorKeyUnusable
from central.tls.folder import KEY_FILE
from protocols.signing.keys import Ed25519Signer
from protocols.texts import text


def test_made_at_the_first_start_and_kept(tmp_path):
    first = collector_key.load(tmp_path)
    again = collector_key.load(tmp_path)
    assert (first.made, again.made) == (True, False)
    assert first.signer.public == again.signer.public
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == [KEY_FILE]


def test_a_file_that_others_can_read_is_closed(tmp_path):
    collector_key.load(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)
    collector_key.load(tmp_path)
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff" * 4096])
def test_a_damaged_file_is_never_replaced(tmp_path, content):
    (tmp_path / KEY_FILE).write_bytes(content)
    with pytest.raises(CollectorKeyUnusable) as refused:
        collector_key.load(tmp_path)
    assert (tmp_path / KEY_FILE).read_bytes() == content
    for language in ("zh", "en"):
        assert "{" not in text(refused.value.code, refused.value.params, language)


async def noted(db, own):
    await db.write(lambda t: collector_key.note(t, own, 1))
    lines = await db.read(lambda conn: audit.page(conn, 10))
    found = await db.read(lambda conn: events.page(conn, 10, None, events.SECURITY))
    return [line.action for line in lines], [event.params for event in found.items]


async def test_another_key_than_gateways_trust_is_told(db, tmp_path):
    own = collector_key.load(tmp_path)
    assert await noted(db, own) == ([], [])
    lost = own.signer.keyid
    (tmp_path / KEY_FILE).unlink()
    new = collector_key.load(tmp_path)
    assert await noted(db, new) == ([], []), "no gateway trusts anything yet"

    def enrolled(tables):
        tables.execute("INSERT INTO gateway(name, label, created) VALUES ('gw', '{}', 0)")
        gateway_keys.add(tables, "gw", Ed25519Signer.generate().public, "admin", 1)

    await db.write(enrolled)
    (tmp_path / KEY_FILE).unlink()
    other = collector_key.load(tmp_path)
    actions, told = await noted(db, other)
    assert actions == ["COLLECTOR_KEY_MADE", "GATEWAY_KEY_ADDED"]
    assert told == [{"keyid": other.signer.keyid, "expected": new.signer.keyid}]
    assert lost not in str(told)
    assert len((await noted(db, new))[1]) == 1, "the one they trust is back"
