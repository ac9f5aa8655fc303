"""A card with each quirk of real ones is read whole and accepted, and the quirk is named."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emrtd.access.passwords import Password
from emrtd.iso7816.procedure import run
from emrtd.lds.files import FileID
from emrtd.specimens import Specimen, make_specimen
from support.errors import MisuseError
from tests.helpers import REPOSITORY
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from verify.judging.judgement import judge
from verify.judging.policy import load_policy
from verify.judging.quirks import QUIRK_NAMES
from verify.judging.report import Verdict
from verify.trust.files import read_trust_file
from verify.trust.importing import import_files
from verify.trust.store import TrustStore
from vsmartcard.quirks.chips import CHIP_QUIRKS
from vsmartcard.quirks.documents import DOCUMENT_QUIRKS
from vsmartcard.quirks.files import FILE_QUIRKS, NO_FILE_WITH_A_QUIRK
from vsmartcard.quirks.making import make_quirky, quirks

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def specimen() -> Specimen:
    return make_specimen("passport", AT)


def trust_in(specimen: Specimen, others: tuple[bytes, ...], folder: Path) -> Iterator[Path]:
    contents = (specimen.state.csca_certificate.der, specimen.state.crl, *others)
    for number, octets in enumerate(contents):
        (folder / f"{number}").write_bytes(octets)
        yield folder / f"{number}"


@pytest.mark.parametrize("name", quirks())
def test_a_card_with_a_quirk_is_accepted(name: str, specimen: Specimen, tmp_path: Path) -> None:
    made = make_quirky(name, specimen, AT)
    card = made.card()
    credentials = Credentials(mrz=Password.from_mrz_information(specimen.mrz.information))
    evidence = run(inspect(credentials, terminal=specimen.terminal), card.process, card.reset)
    assert dict(evidence.files) == made.files
    with TrustStore.open(tmp_path / "store", create=True) as store:
        trust = map(read_trust_file, trust_in(specimen, made.trust, tmp_path))
        import_files(store, list(trust), at=AT)
        report = judge(evidence, store, load_policy("default"), AT)
    assert report.verdict is Verdict.ACCEPT, report.why
    named = {each.partition(":")[0] for each in report.tolerated}
    assert named == (set() if name in CHIP_QUIRKS else {name})


def test_every_quirk_has_a_document_or_a_reason() -> None:
    made = {*DOCUMENT_QUIRKS, *FILE_QUIRKS}
    assert made | set(NO_FILE_WITH_A_QUIRK) == QUIRK_NAMES
    assert made.isdisjoint(NO_FILE_WITH_A_QUIRK)
    assert quirks() == [*DOCUMENT_QUIRKS, *FILE_QUIRKS, *CHIP_QUIRKS]


def test_a_file_that_the_specimen_lacks_is_named() -> None:
    without = make_specimen("permit-jmrtd-applet", AT)
    assert FileID.DG3 not in without.files
    with pytest.raises(MisuseError, match="has no DG3"):
        make_quirky("lds.dg3", without, AT)


def test_the_same_seed_makes_the_same_document(specimen: Specimen) -> None:
    once, again, other = (
        make_quirky("sod.no-tag", specimen, AT, seed) for seed in ("", "", "other")
    )
    assert once.files == again.files != other.files
    assert once.trust == again.trust != other.trust


def test_a_quirk_that_does_not_exist_is_named(specimen: Specimen) -> None:
    with pytest.raises(MisuseError, match=r"'sod.green' is not a quirk; choose from asn1\."):
        make_quirky("sod.green", specimen, AT)


def test_the_documentation_lists_every_quirk_of_chips_and_files() -> None:
    page = (REPOSITORY / "docs/virtual-card.md").read_text(encoding="utf-8")
    names = [*CHIP_QUIRKS, *FILE_QUIRKS]
    assert [name for name in names if not re.search(rf"\| .*`{re.escape(name)}`.* \|", page)] == []
