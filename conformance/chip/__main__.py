"""Run the chip cases, and write their table in docs/conformance.md."""

import secrets
import tempfile
from pathlib import Path

from conformance.chip.cards import PersonalisedCards, VirtualBlanks
from conformance.chip.catalogue import CASES
from conformance.chip.suite import run_suite
from conformance.document import PAGE, replaced, table

with tempfile.TemporaryDirectory() as folder, VirtualBlanks(Path(folder) / "card") as blanks:
    results = run_suite(PersonalisedCards(blanks, secrets.token_bytes), CASES.values())
page = replaced(PAGE.read_text(encoding="utf-8"), "chip cases", table(CASES, results))
PAGE.write_text(page, encoding="utf-8")
