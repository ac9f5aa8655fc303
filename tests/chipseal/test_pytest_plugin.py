"""The pytest plug-in, in pytest processes of its own: its fixtures, and the guide's example."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY
from vsmartcard.forging.forgery import Family
from vsmartcard.forging.kinds import kinds

_READER = """
from datetime import datetime, timezone

from emrtd.access.passwords import Password
from emrtd.iso7816.procedure import run
from emrtd.mrz import Mrz
from emrtd.transport.readers import connect
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from verify.judging.judgement import judge
from verify.judging.policy import load_policy
from verify.judging.report import Verdict
from verify.trust.files import read_trust_file
from verify.trust.importing import import_files
from verify.trust.store import TrustStore


class NotAcceptedError(Exception):
    pass


def read(reader, mrz, trust):
    password = Password.from_mrz_information(Mrz.parse(mrz).information)
    with connect(reader) as connection:
        evidence = run(inspect(Credentials(mrz=password)), connection.transmit, connection.reset)
    at = datetime.now(timezone.utc)
    with TrustStore.open(trust[0].with_name("store"), create=True) as store:
        import_files(store, [read_trust_file(path) for path in trust], at=at)
        report = judge(evidence, store, load_policy("default"), at)
    if report.verdict is not Verdict.ACCEPT:
        raise NotAcceptedError(report.why)
    return evidence.files
"""

_TESTS = """
import pytest

SELECT = bytes.fromhex("00A4040C07A0000002471001")


def test_a_card(virtual_card, pki):
    assert virtual_card.transmit(SELECT) == b"\\x90\\x00"
    assert virtual_card.exchanges == [(SELECT, b"\\x90\\x00")]
    assert virtual_card.mrz.text.startswith("PPUTO")
    assert virtual_card.document_number + virtual_card.date_of_birth in (
        virtual_card.mrz.information[:9] + virtual_card.mrz.information[10:16]
    )
    assert virtual_card.trust == (pki.csca, pki.crl)
    assert pki.csca.read_bytes() == pki.state.csca_certificate.der
    assert virtual_card.files["DG1"][:1] == b"\\x61"
    assert virtual_card.can is None


@pytest.mark.specimen("permit", seed="another")
@pytest.mark.faults("refuse:2,6A82", "wrong-status:0.5", seed=7)
def test_marks(virtual_card, specimen):
    assert len(virtual_card.can) == 6
    assert specimen.profile == "permit"
    assert [virtual_card.transmit(SELECT) for _ in range(2)][1] in {b"\\x6a\\x82", b"\\x6f\\x00"}


@pytest.mark.timing("2018,848")
@pytest.mark.faults("refuse:2,6A82")
def test_times(virtual_card):
    assert [virtual_card.transmit(SELECT)[-2:] for _ in range(2)] == [b"\\x90\\x00", b"\\x6a\\x82"]
    assert virtual_card.timing.time.chip == 0.002
    assert virtual_card.timing.clock.now() > 0.002


def test_no_times(virtual_card):
    assert virtual_card.timing is None


@pytest.mark.timing("2018,848", real=True)
def test_real_times(virtual_card):
    begun = virtual_card.timing.clock.now()
    virtual_card.transmit(SELECT)
    assert virtual_card.timing.clock.now() - begun >= virtual_card.timing.time.total


@pytest.mark.parametrize("specimen", ["permit-bac", "passport"], indirect=True)
def test_profiles(virtual_card, specimen, request):
    assert specimen.profile in request.node.name
    assert virtual_card.mrz.text == specimen.mrz.text


@pytest.mark.parametrize("liar", ["dg1.name", "nonsense"], indirect=True)
def test_some(liar, virtual_card):
    assert (liar.kind, liar.check) == ("dg1.name", "dg.hash.DG1")
    assert liar.files["DG1"] != virtual_card.files["DG1"]
    assert liar.trust == virtual_card.trust


@pytest.mark.parametrize("quirky_card", ["sod.no-tag", "chip.small-buffer"], indirect=True)
def test_quirks(quirky_card, request):
    bare = quirky_card.files["EF.SOD"][0] == 0x30
    assert bare == ("sod.no-tag" in request.node.name)
    assert len(quirky_card.trust) == (4 if bare else 2)


def test_every_quirk(quirky_card):
    assert quirky_card.transmit(SELECT)[-2:] == b"\\x90\\x00"


def test_all(liar):
    assert liar.kind


@pytest.fixture
def other(request):
    return request.param


@pytest.mark.faults("nonsense")
def test_a_mistake_in_a_fault(virtual_card):
    pass


@pytest.mark.faults("flip:0.01", sed=7)
def test_a_mistake_in_a_seed(virtual_card):
    pass


@pytest.mark.specimen("permit", "another")
def test_a_mistake_in_a_holder(virtual_card):
    pass
"""


def run_pytest(folder: Path, *options: str) -> str:
    line = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", *options]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_cards_liars_and_marks(tmp_path: Path) -> None:
    (tmp_path / "test_them.py").write_text(_TESTS, encoding="utf-8")
    printed = run_pytest(
        tmp_path, "-k", "not test_all and not every_quirk or dg2 or name.issuer", "--strict-markers"
    )
    errors = re.findall(r"^ERROR (\S+)", printed, re.MULTILINE)
    assert errors == [
        "test_them.py::test_some[nonsense]",
        "test_them.py::test_a_mistake_in_a_fault",
        "test_them.py::test_a_mistake_in_a_seed",
        "test_them.py::test_a_mistake_in_a_holder",
    ]
    assert "the marker faults does not take 'flip:0.01', sed=…" in printed
    assert "'nonsense' is not a kind of forgery; see `vsmartcard forge --list`" in printed
    assert "no fault is called 'nonsense'; choose from" in printed
    passed = re.findall(r"^PASSED test_them.py::(\S+)", printed, re.MULTILINE)
    assert {"test_a_card", "test_marks", "test_some[dg1.name]"} <= set(passed)
    assert {"test_times", "test_no_times", "test_real_times"} <= set(passed)
    assert {"test_profiles[permit-bac]", "test_profiles[passport]"} <= set(passed)
    assert len([each for each in passed if each.startswith("test_all[dg2")]) >= 2
    assert {"test_quirks[sod.no-tag]", "test_quirks[chip.small-buffer]"} <= set(passed)
    assert "test_every_quirk[name.issuer]" in passed
    assert "FAILED" not in printed


def test_notes_beside_an_image_are_no_liar(tmp_path: Path) -> None:
    """A reader that accepts the genuine chip beside them is right."""
    (tmp_path / "test_them.py").write_text("def test_all(liar):\n    pass\n", encoding="utf-8")
    printed = run_pytest(tmp_path, "--collect-only", "-q")
    listed = re.findall(r"^test_them.py::test_all\[(\S+)\]", printed, re.MULTILINE)
    notes = {name for name, each in kinds().items() if each.family is Family.NOTES}
    assert notes
    assert set(listed) == kinds().keys() - notes


@pytest.mark.device
def test_the_example_of_the_guide_tests_a_reader(tmp_path: Path) -> None:
    guide = (REPOSITORY / "docs/testing.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python pytest\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    assert len([line for line in example.splitlines() if line]) == 10
    (tmp_path / "test_example.py").write_text(example, encoding="utf-8")
    (tmp_path / "my_reader.py").write_text(_READER, encoding="utf-8")
    chosen = "good or dg1.name or sod.absent"
    printed = run_pytest(tmp_path, "-k", chosen, "--import-mode=prepend")
    if "SKIPPED" in printed:
        pytest.skip(printed[printed.index("SKIPPED") :])
    assert re.search(r"\b[2-9]\d* passed", printed), printed
    assert "failed" not in printed


def test_the_plug_in_imports_nothing_of_ours_before_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n\n"
        "def test_nothing():\n"
        "    assert 'chipseal.pytest_plugin' in sys.modules\n"
        "    found = {each.partition('.')[0] for each in sys.modules}\n"
        "    assert not found & {'emrtd', 'vsmartcard', 'personalise', 'verify', 'support',\n"
        "                        'click', 'numpy', 'msgspec', 'smartcard'}\n",
        encoding="utf-8",
    )
    assert "1 passed" in run_pytest(tmp_path)
