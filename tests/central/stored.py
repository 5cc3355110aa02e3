"""What the store holds, as a table `reading` that tests can ask, and as rows they can touch."""

from central.store import late
from central.store.views.reading import END, look

COLUMNS = "point, time, stream, seq, value, class, quality, flags, received"


def with_readings(conn):
    """Return the connection with a table `reading` of its own: every reading as it is now."""
    view = look(conn)
    numbers = {row[0] for row in conn.execute("SELECT number FROM point")}
    for piece in view.held.pieces:
        numbers |= set(piece.rows.points.tolist())
    conn.execute("DROP TABLE IF EXISTS temp.reading")
    conn.execute(f"CREATE TEMP TABLE reading({COLUMNS})")
    for number in sorted(numbers):
        held = view.read(number, 0, END)
        stored = [late.stored(value) for value in held.values]
        columns = (held.times, held.streams, held.seqs, held.qualities, held.flags, held.received)
        conn.executemany(
            "INSERT INTO reading(point, value, class, time, stream, seq, quality, flags, received) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (number, *value, *rest)
                for value, *rest in zip(stored, *(c.tolist() for c in columns), strict=True)
            ],
        )
    return conn


def to_rows(conn):
    """Turn every stored reading into a row of `late`: there it can be touched by SQL."""
    with_readings(conn)
    for table in ("journal", "chunk", "late"):
        conn.execute(f"DELETE FROM main.{table}")
    conn.execute(f"INSERT INTO late({COLUMNS}) SELECT {COLUMNS} FROM temp.reading")
    conn.execute("DROP TABLE temp.reading")
