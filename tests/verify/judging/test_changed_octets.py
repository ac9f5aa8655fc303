"""One changed octet anywhere in a document is rejected, by the right check."""

import random
from collections.abc import Iterator

import pytest

from emrtd.lds.files import FILES, FileID
from emrtd.lds.image import LdsImage
from emrtd.pki.findings import Outcome
from tests.verify.documents import Document, issue, usual
from verify.judging.evidence import Evidence
from verify.judging.report import Verdict

MASKS = (0x01, 0x80, 0xFF)
SAMPLE = 40
"""The number of positions tried in each file; tests with the marker `slow` try all of them."""

RIGHT_CHECKS = {
    FileID.SOD: {"sod.signature", "sod.profile", "ds.chain"},
    FileID.COM: {"com.consistent"},
    FileID.CARD_ACCESS: {"access.downgrade"},
    FileID.CARD_SECURITY: {"cardsecurity.signature"},
}
FILES_OF_A_DOCUMENT = list(usual().files)


def right_checks(file_id: FileID) -> set[str]:
    return RIGHT_CHECKS.get(file_id, {f"dg.hash.{file_id}"})


def assert_rejected(document: Document, file_id: FileID, position: int, mask: int) -> None:
    changed = document.flipped(file_id, position, mask)
    report = changed.judged()
    failed = {check.id for check in report.checks if check.outcome is Outcome.FAILED}
    where = f"{file_id}, octet {position}, mask {mask:02X}"
    assert report.verdict is Verdict.REJECT, f"{where}: {report.verdict}, {report.why}"
    assert failed & right_checks(file_id), f"{where}: {failed}"


def sampled(size: int, file_id: FileID) -> Iterator[int]:
    """Return the first and last positions of a file and some in between, always the same ones."""
    edges = {*range(min(12, size)), *range(max(0, size - 4), size)}
    source = random.Random(file_id)  # noqa: S311 - a sample, not a secret
    yield from sorted(edges | set(source.sample(range(size), min(size, SAMPLE))))


@pytest.mark.parametrize("file_id", FILES_OF_A_DOCUMENT)
def test_a_changed_octet_is_rejected(file_id: FileID) -> None:
    document = usual()
    for position in sampled(len(document.files[file_id]), file_id):
        assert_rejected(document, file_id, position, MASKS[position % len(MASKS)])


@pytest.mark.slow
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("file_id", FILES_OF_A_DOCUMENT)
def test_every_changed_octet_is_rejected(file_id: FileID, mask: int) -> None:
    document = usual()
    for position in range(len(document.files[file_id])):
        assert_rejected(document, file_id, position, mask)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["RSA-2048", "secp384r1"])
def test_every_changed_octet_of_another_signer_is_rejected(kind: str) -> None:
    document = issue(signer_kind=kind, lds_version=None)
    for position in range(len(document.files[FileID.SOD])):
        assert_rejected(document, FileID.SOD, position, 0x01)


@pytest.mark.parametrize("file_id", [FileID.DG1, FileID.DG13, FileID.SOD, FileID.COM])
@pytest.mark.parametrize("first", [0x00, 0x60, 0x61, 0x65, 0x75, 0x77, 0x7B, 0x9E])
def test_a_changed_first_octet_in_an_image_is_rejected(
    file_id: FileID, first: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    document = usual()
    octets = document.files[file_id]
    if octets[0] == first:
        pytest.skip("that is the right first octet")
    folder = tmp_path_factory.mktemp("image") / "image"
    LdsImage(document.files).save(folder)
    (folder / FILES[file_id].file_name).write_bytes(bytes((first,)) + octets[1:])
    report = document.judged(Evidence.from_image(LdsImage.load(folder)))
    assert report.verdict is Verdict.REJECT, report.why
