"""Evidence in packs.

Step m026. Never edit one that has been released.
"""

from sqlite_utils import Database


def m026_evidence_packs(db: Database) -> None:
    """Bodies of batches lie together, compressed: the row says in which pack, at which place.

    `remaining`: batches of a pack that are still kept; `through`: the id up to which evidence was
    looked at and lies in packs. `evidence_total.bytes` counts bodies and packs as they are stored.
    """
    for statement in (
        "ALTER TABLE evidence ADD COLUMN pack INTEGER",
        "ALTER TABLE evidence ADD COLUMN place INTEGER",
        """CREATE TABLE evidence_pack (
            id INTEGER PRIMARY KEY, remaining INTEGER NOT NULL, body BLOB NOT NULL) STRICT""",
        """CREATE TABLE evidence_packed (
            one INTEGER PRIMARY KEY CHECK (one = 1), through INTEGER NOT NULL) STRICT""",
        "INSERT INTO evidence_packed(one, through) VALUES (1, 0)",
    ):
        db.execute(statement)
