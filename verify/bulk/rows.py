"""A row: what bulk judging says of one image, as a line of JSON.

A row has no data of the holder and no document number: a file of a million rows would be a register
of persons.  `sod` identifies the document for whoever has its files.  `--full` adds the report of
`verify image --json`, with the holder's data.
"""

from hashlib import sha256
from typing import Any, Final, Literal

import msgspec

from emrtd.lds.files import FileID
from emrtd.mrz.countries import is_deprecated, is_issuing_authority, probably_meant
from emrtd.pki.findings import Outcome
from support.reasons import plain
from verify.judging.evidence import Evidence
from verify.judging.report import Report

UNKNOWN_STATE: Final = "unknown"

Decision = Literal["accept", "refer", "reject", "unreadable"]

_UNREMARKABLE: Final = (Outcome.PASSED, Outcome.NOT_PRESENT, Outcome.NOT_PERFORMED)


class Row(msgspec.Struct, frozen=True, omit_defaults=False):
    """The result for one image.

    `verdict`: of the judgement; `unreadable` if no file of the image could be read, or if judging
    it failed.  `why`: the reasons of a verdict other than accept.  `state`: the issuing State as
    DG1 writes it, else the country of the Document Signer, else "unknown".  `checks`: the outcome
    of each check; `reasons`: the reason of each that neither passed nor was absent.
    `sod`: SHA-256 of EF.SOD, in hexadecimal; empty without EF.SOD.  `at`: the instant of judgement
    (ISO 8601).  `failed`: judging failed, by a mistake of ours or since its process died.
    """

    image: str
    verdict: Decision
    why: tuple[str, ...] = ()
    state: str = UNKNOWN_STATE
    document_code: str = ""
    checks: dict[str, str] = {}
    reasons: dict[str, str] = {}
    csca: str = ""
    ds: str = ""
    tolerated: tuple[str, ...] = ()
    sod: str = ""
    at: str = ""
    policy: str = ""
    failed: bool = False
    report: dict[str, Any] | None = None

    def encode(self) -> bytes:
        """Return the row as one line of JSON, with its line feed."""
        fields = msgspec.structs.asdict(self)
        if self.report is None:
            del fields["report"]
        return msgspec.json.encode(fields, enc_hook=plain) + b"\n"


_DECODER: Final = msgspec.json.Decoder(Row)


def decode_row(line: bytes) -> Row:
    """Read a line; raises `msgspec.MsgspecError` if it is not a row."""
    return _DECODER.decode(line)


def row_of(image: str, evidence: Evidence, report: Report, *, full: bool) -> Row:
    """Return the row of a judged image."""
    sod = evidence.files.get(FileID.SOD)
    return Row(
        image,
        report.verdict.value,
        report.why,
        _state(report),
        report.document.get("document_code", ""),
        {check.id: check.outcome.value for check in report.checks},
        {check.id: check.reason for check in report.checks if check.outcome not in _UNREMARKABLE},
        report.trust.csca,
        report.trust.ds,
        report.tolerated,
        "" if sod is None else sha256(sod).hexdigest(),
        report.at.isoformat(timespec="seconds"),
        report.policy,
        report=report.as_json() if full else None,
    )


def unreadable(image: str, why: str, *, failed: bool = False) -> Row:
    """Return the row of an image that was not judged."""
    return Row(image, "unreadable", (why,), failed=failed)


def _state(report: Report) -> str:
    """Return the State of DG1, else that of the Document Signer; one without a code is unknown."""
    state = report.document.get("issuing_state", "").rstrip("<")
    if state:
        known = is_issuing_authority(state) or is_deprecated(state)
        return state if known else UNKNOWN_STATE
    return probably_meant(report.trust.country) or UNKNOWN_STATE
