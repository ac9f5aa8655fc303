"""The tables of a trust store, and the longer SQL statements."""

from typing import Final, Literal

from support.database import Layout

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS source (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,    -- SHA-256 of the file
    imported TEXT NOT NULL,         -- UTC, ISO 8601
    settled BLOB NOT NULL DEFAULT x'',  -- digest of CSCAs and CRLs when it was last imported
    note TEXT NOT NULL              -- who signed it
);
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    country TEXT NOT NULL,          -- two letters in upper case, or empty
    subject TEXT NOT NULL,
    subject_key TEXT NOT NULL,      -- Name.key: equal where two names match
    key TEXT NOT NULL,
    key_identifier BLOB,
    serial TEXT NOT NULL,           -- in hexadecimal: SQLite's integers have 64 bits
    usable INTEGER NOT NULL,
    verified INTEGER NOT NULL,
    trusted INTEGER NOT NULL,       -- whether it counts: as an anchor, a signer or a list
    unproven INTEGER NOT NULL DEFAULT 0,  -- trusted on the operator's word alone (--unverified)
    explanation TEXT NOT NULL,
    valid_from TEXT NOT NULL,
    valid_until TEXT NOT NULL,
    tolerated TEXT NOT NULL,        -- JSON
    fingerprint BLOB NOT NULL UNIQUE,
    der BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS entry_by_key_identifier ON entry (key_identifier);
CREATE INDEX IF NOT EXISTS entry_by_subject ON entry (subject_key);
CREATE INDEX IF NOT EXISTS entry_by_kind ON entry (kind, country);
CREATE INDEX IF NOT EXISTS entry_by_serial ON entry (serial);
CREATE TABLE IF NOT EXISTS provenance (
    entry INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
    source INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
    listed INTEGER NOT NULL,        -- whether a Master List in the file holds it
    chosen INTEGER NOT NULL DEFAULT 0,  -- 1: it is in a file that was named; 2: taken unverified
    PRIMARY KEY (entry, source)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS master_list (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
    fingerprint BLOB NOT NULL,      -- SHA-256 of the signed list
    country TEXT NOT NULL,          -- of its signer
    signers BLOB NOT NULL,          -- MessagePack: pairs of certificates, signer and issuing CSCA
    brings INTEGER NOT NULL,        -- whether it may bring its signer's CSCA; 2: beside the list
    objection TEXT NOT NULL,        -- why it is no longer trusted; empty if it is
    UNIQUE (source, fingerprint)
);
CREATE TABLE IF NOT EXISTS listing (
    entry INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
    list INTEGER NOT NULL REFERENCES master_list (id) ON DELETE CASCADE,
    PRIMARY KEY (entry, list)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS listing_by_list ON listing (list);
CREATE TABLE IF NOT EXISTS left_out (
    fingerprint BLOB NOT NULL,      -- SHA-256 of what was not imported, or of the text
    source INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    country TEXT NOT NULL,
    reason TEXT NOT NULL,
    text TEXT NOT NULL,             -- the reason, with what it is about
    PRIMARY KEY (fingerprint, source)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS publication (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    counter INTEGER NOT NULL,       -- of the last one that was made or taken
    publisher BLOB NOT NULL,        -- SHA-256 of the publisher's certificate
    made TEXT NOT NULL,             -- UTC, ISO 8601
    digest BLOB NOT NULL            -- SHA-256 of the file
);
"""

_MIGRATIONS: Final = {
    2: """
    DROP INDEX IF EXISTS entry_by_country;
    CREATE INDEX IF NOT EXISTS entry_by_kind ON entry (kind, country)
    """,
    3: """
    ALTER TABLE entry ADD COLUMN unproven INTEGER NOT NULL DEFAULT 0;
    UPDATE entry SET unproven = 1 WHERE trusted AND NOT verified
        AND id NOT IN (SELECT entry FROM provenance WHERE listed)
    """,
    4: """
    ALTER TABLE source ADD COLUMN settled BLOB NOT NULL DEFAULT x'';
    CREATE TABLE IF NOT EXISTS left_out (
        fingerprint BLOB NOT NULL,
        source INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        country TEXT NOT NULL,
        reason TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (fingerprint, source)
    ) WITHOUT ROWID
    """,
    5: """
    CREATE TABLE IF NOT EXISTS publication (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        counter INTEGER NOT NULL,
        publisher BLOB NOT NULL,
        made TEXT NOT NULL,
        digest BLOB NOT NULL
    )
    """,
    # Which list an entry came from is not known: it stays trusted until the list is imported again.
    6: """
    ALTER TABLE provenance ADD COLUMN chosen INTEGER NOT NULL DEFAULT 0;
    UPDATE provenance SET chosen = (SELECT 1 + 2 * unproven FROM entry WHERE entry.id = entry)
        WHERE NOT listed AND entry IN (SELECT id FROM entry WHERE trusted);
    UPDATE source SET settled = x'';
    CREATE TABLE IF NOT EXISTS master_list (
        id INTEGER PRIMARY KEY,
        source INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
        fingerprint BLOB NOT NULL,
        country TEXT NOT NULL,
        signers BLOB NOT NULL,
        brings INTEGER NOT NULL,
        objection TEXT NOT NULL,
        UNIQUE (source, fingerprint)
    );
    CREATE TABLE IF NOT EXISTS listing (
        entry INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
        list INTEGER NOT NULL REFERENCES master_list (id) ON DELETE CASCADE,
        PRIMARY KEY (entry, list)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS listing_by_list ON listing (list)
    """,
}
LAYOUT: Final = Layout(
    "trust store", _SCHEMA, application_id=0x43485354, version=7, migrations=_MIGRATIONS
)

ANCHORS: Final = """
SELECT der, unproven,
       (SELECT group_concat(name, ', ') FROM provenance JOIN source ON source.id = source
             WHERE entry = entry.id)
FROM entry WHERE trusted AND kind IN ('csca', 'link')
"""
ANCHORS_BY_KEY: Final = ANCHORS + "AND key_identifier = ? ORDER BY id"
ANCHORS_BY_NAME: Final = ANCHORS + "AND subject_key = ? ORDER BY id"
ANCHORS_BY_COUNTRY: Final = ANCHORS + "AND country = ? ORDER BY id"

SIGNERS: Final = """
SELECT der FROM entry
WHERE trusted AND kind IN ('ds', 'master-list-signer', 'deviation-list-signer')
"""
SIGNERS_BY_SERIAL: Final = SIGNERS + "AND serial = ?"
SIGNERS_BY_KEY: Final = SIGNERS + "AND key_identifier = ?"

LISTS: Final = "SELECT der FROM entry WHERE trusted AND kind = ? AND ? IN ('', country)"

ENTRIES: Final = """
SELECT id, kind, country, subject, key, usable, verified, trusted, unproven, explanation,
       valid_from, valid_until, tolerated, fingerprint, der
FROM entry WHERE {conditions} ORDER BY country, kind, subject, valid_from, id
"""
SOURCES_OF_ENTRIES: Final = """
SELECT entry.id, name FROM entry
JOIN provenance ON entry = entry.id JOIN source ON source.id = source
WHERE {conditions} ORDER BY source
"""

CONTENT: Final = """
SELECT fingerprint, kind, trusted, unproven FROM entry ORDER BY fingerprint
"""

ROOTS: Final = """
SELECT fingerprint, kind, trusted, unproven FROM entry
WHERE kind IN ('csca', 'link', 'crl') ORDER BY fingerprint
"""
KNOWN_SOURCE: Final = """
SELECT note, count(entry), coalesce(sum(verified), 0) FROM source
LEFT JOIN provenance ON source = source.id LEFT JOIN entry ON entry.id = entry
WHERE digest = ? AND settled = ? GROUP BY source.id
"""
UNSETTLE: Final = """
UPDATE source SET settled = x'' WHERE id IN (SELECT source FROM provenance WHERE entry = ?)
"""
LEFT_OUT: Final = """
INSERT OR REPLACE INTO left_out (fingerprint, source, kind, country, reason, text)
VALUES (?, ?, ?, ?, ?, ?)
"""
LEFT_OUT_OF: Final = """
SELECT text FROM left_out WHERE source = (SELECT id FROM source WHERE digest = ?) ORDER BY text
"""
STATES: Final = """
SELECT country, kind, trusted, valid_from, valid_until, '',
       NOT trusted AND id IN (
           SELECT entry FROM listing JOIN master_list ON list = id WHERE objection != ''
       )
FROM entry
UNION ALL
SELECT country, kind, 0, '', '', min(reason), 0 FROM left_out
WHERE kind != '' AND fingerprint NOT IN (SELECT fingerprint FROM entry) GROUP BY fingerprint
"""

SET_PUBLICATION: Final = """
INSERT OR REPLACE INTO publication (id, counter, publisher, made, digest) VALUES (1, ?, ?, ?, ?)
"""

MASTER_LISTS: Final = """
SELECT master_list.id, name, country, signers, brings, objection
FROM master_list JOIN source ON source.id = source ORDER BY master_list.id
"""
MASTER_LIST: Final = """
INSERT INTO master_list (source, fingerprint, country, signers, brings, objection)
VALUES (?, ?, ?, ?, ?, '')
ON CONFLICT (source, fingerprint) DO UPDATE SET
    signers = excluded.signers, brings = excluded.brings, objection = '' RETURNING id
"""
BACKED: Final = """
SELECT country, kind = 'csca' AND verified, unproven, trusted,
       max(chosen & 1), max(chosen & 2) > 0,
       max(listed AND source NOT IN (SELECT source FROM master_list)),
       (SELECT group_concat(list) FROM listing WHERE entry = entry.id), der
FROM entry JOIN provenance ON entry = entry.id WHERE kind IN ('csca', 'link')
GROUP BY entry.id ORDER BY entry.id
"""
"""Of each CSCA: whether it is a root, and what vouches for it.

Of a store that an older release made, it is not known which list in a file contains an entry.
"""

WHY_WITHDRAWN: Final = """
SELECT objection FROM listing JOIN master_list ON list = id
WHERE entry = ? AND objection != '' LIMIT 1
"""

Table = Literal["source", "entry", "provenance", "master_list", "listing", "left_out"]

COLUMNS: Final[dict[Table, str]] = {
    "source": "id, name, digest, imported, note, settled",
    "entry": (
        "id, kind, country, subject, subject_key, key, key_identifier, serial, usable, verified,"
        " trusted, unproven, explanation, valid_from, valid_until, tolerated, fingerprint, der"
    ),
    "provenance": "entry, source, listed, chosen",
    "master_list": "id, source, fingerprint, country, signers, brings, objection",
    "listing": "entry, list",
    "left_out": "fingerprint, source, kind, country, reason, text",
}
"""The tables that a publication has, and their columns; a table stands after those it refers to."""

OWN_COLUMNS: Final = (
    "country", "subject", "subject_key", "key", "key_identifier", "serial", "usable",
    "valid_from", "valid_until", "tolerated", "fingerprint", "der",
)  # fmt: skip
"""The columns of an entry that its octets determine; the order is that of `INSERT`."""

INSERT: Final = """
INSERT INTO entry (
    id, country, subject, subject_key, key, key_identifier, serial, usable, valid_from, valid_until,
    tolerated, fingerprint, der, kind, verified, trusted, unproven, explanation
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
UPDATE: Final = """
UPDATE entry SET kind = ?, verified = ?, trusted = ?, unproven = ?, explanation = ? WHERE id = ?
"""
FOUND_IN: Final = """
INSERT INTO provenance (entry, source, listed, chosen) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET listed = max(listed, excluded.listed), chosen = chosen | excluded.chosen
"""

KNOWN: Final = (
    "SELECT fingerprint, id, kind, verified, trusted, unproven FROM entry WHERE fingerprint IN "
)
KNOWN_ANCHORS: Final = """
SELECT id, kind, verified, trusted, unproven, country, subject, valid_from, der
FROM entry WHERE kind IN ('csca', 'link') ORDER BY id
"""
KNOWN_CRLS: Final = """
SELECT id, kind, verified, trusted, unproven, der
FROM entry WHERE kind = 'crl' AND country = ? ORDER BY subject, valid_from, id
"""
