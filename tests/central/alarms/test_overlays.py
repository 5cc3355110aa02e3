"""What lies over rules, as the table says it after each act."""

import pytest

from central.alarms.acts.overlays import Layer, laid, note
from central.database_file import open_file
from protocols.alarms.machine import Entry
from protocols.alarms.overlay import Overlay, Shelf
from protocols.alarms.word import Word

RULE = "site/gw/tank/level:high"
PLACE = (1, "site")
SHELF = Overlay(shelf=Shelf(900))


@pytest.fixture
def conn(tmp_path):
    tables, _ = open_file(tmp_path / "x.db", 0)
    tables.conn.execute("INSERT INTO gateway(name, label, created) VALUES ('gw', '{}', 0)")
    tables.conn.execute("INSERT INTO point(number, id, gateway) VALUES (1, 'p', 'gw')")
    yield tables.conn
    tables.conn.close()


def put(conn, word, overlay, time=100, by="ann", reason="检修"):
    return note(conn, RULE, PLACE, overlay, Entry(word, time, by=by, reason=reason))


def names(conn):
    return {rule: [layer.name for layer in found.layers] for rule, found in laid(conn).items()}


def test_a_shelf_is_told_with_its_end_and_reason(conn):
    told = put(conn, Word.SHELVE, SHELF)
    shelf = Layer(name="SHELVED", since=100, until=900, one_shot=False, by="ann", reason="检修")
    assert (told.rule, told.point, told.site, told.layers) == (RULE, 1, "site", (shelf,))
    assert laid(conn) == {RULE: told}
    longer = put(conn, Word.SHELVE, Overlay(shelf=Shelf(2_000, one_shot=True)), time=200, by="bob")
    (layer,) = longer.layers
    assert (layer.since, layer.until, layer.one_shot, layer.by) == (200, 2_000, True, "bob")


@pytest.mark.parametrize("word", [Word.UNSHELVE, Word.UNSHELVE_AUTO])
def test_what_ends_is_gone(conn, word):
    put(conn, Word.SHELVE, SHELF)
    assert put(conn, word, Overlay()).layers == ()
    assert laid(conn) == {}


def test_layers_lie_over_each_other_the_strongest_first(conn):
    put(conn, Word.SHELVE, SHELF)
    put(conn, Word.SUPPRESS, Overlay(shelf=SHELF.shelf, suppressed=True))
    put(conn, Word.OOS_ON, Overlay(shelf=SHELF.shelf, suppressed=True, out_of_service=True))
    assert names(conn) == {RULE: ["OUT_OF_SERVICE", "SUPPRESSED", "SHELVED"]}
    # The shelf ran out meanwhile: the machine says so with the last act alone.
    put(conn, Word.UNSUPPRESS, Overlay(out_of_service=True))
    assert names(conn) == {RULE: ["OUT_OF_SERVICE"]}
    put(conn, Word.OOS_OFF, Overlay())
    assert names(conn) == {}
