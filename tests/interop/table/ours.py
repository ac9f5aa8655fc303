"""Chipseal's own reader for the table: `python -m tests.interop.table.ours READER`.

It reads and judges as `verify card` does, with the files for a trust store beside the certificate.
The protocol is that of `tests.interop.table.reading`; "genuine" is a document that is accepted.
"""

import hashlib
import re
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from emrtd.access.passwords import Password
from emrtd.mrz.check_digits import check_digit
from emrtd.transport import readers
from support.errors import ChipsealError
from verify.inspection import capture, inspect
from verify.inspection.opening import Credentials
from verify.judging.evidence import Evidence
from verify.judging.judgement import judge
from verify.judging.policy import load_policy
from verify.judging.report import Verdict
from verify.trust.files import read_trust_file
from verify.trust.importing import import_files
from verify.trust.store import TrustStore


def main(reader: str) -> None:
    """Read cards until standard input ends."""
    _say(f"Chipseal {version('chipseal')}")
    _say()
    for line in sys.stdin:
        kind, *secrets, csca = line.rstrip("\n").split("\t")
        try:
            _read(reader, _credentials(kind, secrets), Path(csca).parent)
        except ChipsealError as error:
            _say("error", str(error))
        _say()


def _say(*words: str) -> None:
    print(*words, sep="\t", flush=True)


def _credentials(kind: str, secrets: list[str]) -> Credentials:
    if kind == "can":
        return Credentials(can=Password.can(secrets[0]))
    number, *dates = secrets
    elements = [number.ljust(9, "<"), *dates]
    information = "".join(each + check_digit(each) for each in elements)
    return Credentials(mrz=Password.from_mrz_information(information))


def _read(reader: str, credentials: Credentials, trust: Path) -> None:
    with readers.connect(reader) as connection:
        evidence = capture(connection, inspect(credentials))
    session = evidence.session
    if session is not None and session.access is not None:
        mapping = re.search(r"-(gm|im|cam)-", session.access.variant)
        _say("access", "BAC" if mapping is None else f"PACE-{mapping[1].upper()}")
    for file_id, octets in evidence.files.items():
        _say("file", file_id.removeprefix("EF."), hashlib.sha256(octets).hexdigest())
    _say("genuine", str(_is_accepted(evidence, trust)).lower())


def _is_accepted(evidence: Evidence, trust: Path) -> bool:
    at = datetime.now(UTC)
    with (
        tempfile.TemporaryDirectory() as folder,
        TrustStore.open(Path(folder) / "trust.sqlite", create=True) as store,
    ):
        files = sorted(path for path in trust.iterdir() if path.is_file())
        import_files(store, [read_trust_file(path) for path in files], at=at)
        report = judge(evidence, store, load_policy("default"), at)
    for why in report.why:
        _say("error", why)
    return report.verdict is Verdict.ACCEPT


if __name__ == "__main__":
    main(sys.argv[1])
