"""The log of one inspection for operational monitoring (TR-03135-1, version 2.5, 6.3), as JSON.

It holds what the guideline has logged in any case: identifier, versions, times, all results, and
the data of the document that are not related to a person.  Results of each table bear the number
and the name of the guideline's; the guideline's XML schemas are not public.
"""

import json
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final
from uuid import UUID

from verify.judging.report import Report
from verify.judging.tr03135 import name_of, results

FORM: Final = "TR-03135-1 2.5, 6.3"
_OF_THE_DOCUMENT: Final = ("document_code", "issuing_state")


def transaction(
    report: Report, identifier: UUID, ended: datetime, *, with_holder: bool = False
) -> bytes:
    """Return the log as JSON; `ended` is when the inspection ended.

    With `with_holder`, it also has the reasons of the checks and the data of holder and permit,
    which are personal.
    """
    log: dict[str, Any] = {
        "form": FORM,
        "transaction": str(identifier),
        "component": {"name": "chipseal", "version": version("chipseal")},
        "ended": f"{ended.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "judged_for": f"{report.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "seconds": round(report.seconds, 3),
        "commands": report.apdus,
        "octets": report.octets,
        "policy": report.policy,
        "verdict": report.verdict.value,
        "results": [
            {"table": table, "check": name_of(table), "result": result.value}
            for table, result in results(report).items()
        ],
        "checks": [{"id": each.id, "outcome": each.outcome.value} for each in report.checks],
        "document": {
            name: report.document[name] for name in _OF_THE_DOCUMENT if name in report.document
        },
        "access": report.access,
        "csca": report.trust.csca,
        "ds": report.trust.ds,
        "data_groups": {name: row.size for name, row in report.data_groups.items()},
    }
    if with_holder:
        log["holder"] = {"document": report.document, "permit": report.permit}
        log["reasons"] = {each.id: each.reason for each in report.checks}
    return (json.dumps(log, indent=2, ensure_ascii=True) + "\n").encode()
