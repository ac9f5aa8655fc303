"""Run the cases of part 5.1, and write their table in docs/conformance.md."""

from datetime import UTC, datetime

from conformance.document import PAGE, replaced, table
from conformance.reader.case import Workshop
from conformance.reader.catalogue import standard_cases
from conformance.reader.own import OurVerifier
from conformance.reader.suite import Suite

workshop = Workshop(datetime.now(UTC).replace(microsecond=0))
results = Suite(workshop, OurVerifier(workshop)).run(standard_cases().values())
page = replaced(PAGE.read_text(encoding="utf-8"), "reader cases", table(standard_cases(), results))
PAGE.write_text(page, encoding="utf-8")
