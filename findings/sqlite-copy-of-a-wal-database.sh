#!/usr/bin/env bash
# Python's sqlite3 and a copy in memory of a database with a write-ahead log.
#
# `Connection.serialize` gives "the database", as octets, and `deserialize` opens them; `backup` copies
# page by page. The octets seem a good way to look at a ledger, or to send it.
# Guess: what serialize gives, deserialize opens, and `backup` into memory gives the same.
# Seen: deserialize succeeds, and the first query is "unable to open database file": the header still
# asks for a log, which a database in memory cannot have. The backup is fine.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > copies.py <<'PY'
import sqlite3
import sys


def rows(connection):
    try:
        return connection.execute("SELECT number FROM jobs").fetchall()
    except sqlite3.Error as problem:
        return f"{type(problem).__name__}: {problem}"


def deserialized(octets):
    connection = sqlite3.connect(":memory:")
    connection.deserialize(octets)
    return rows(connection)


seen = {}
for mode in ("delete", "wal"):
    database = sqlite3.connect(f"{mode}.db")
    database.execute(f"PRAGMA journal_mode={mode}")
    database.execute("CREATE TABLE jobs (number INTEGER)")
    database.execute("INSERT INTO jobs VALUES (1)")
    database.commit()
    copy = sqlite3.connect(":memory:")
    database.backup(copy)
    seen[f"{mode}, backup"] = rows(copy)
    seen[f"{mode}, serialize and deserialize"] = deserialized(database.serialize())
for way, result in seen.items():
    print(f"  {way}: {result}")
one = [(1,)]
expected = [one, one, one, "OperationalError: unable to open database file"]
sys.exit(0 if list(seen.values()) == expected else "changed: a copy in memory is read otherwise")
PY
echo "$(python3 --version), SQLite $(python3 -c 'import sqlite3; print(sqlite3.sqlite_version)')"
echo "guess: [(1,)] each time"
echo "seen:"
python3 copies.py
