"""TR-03105-5.1, unit LDS_B: the machine readable zone in DG1, and on the data page."""

from collections.abc import Callable

import pytest

from emrtd import tlv
from emrtd.lds.files import FileID
from emrtd.mrz import Mrz, check_digit
from emrtd.pki.findings import Outcome
from tests.verify.documents import Document, issue
from tests.verify.tr03105_5.simulator import BAC, CASES, Inspected
from tests.verify.tr03105_5.test_files_of_access import TAG_AND_LENGTH
from verify.judging.report import Verdict

FIRST = "P<UTOMUSTERMANN<<ERIKA<MARIA"
NONE = "<" * 14


def passport(
    first: str = FIRST,
    *,
    number: str = "ZU1234567",
    nationality: str = "UTO",
    birth: str = "900131",
    sex: str = "F",
    expiry: str = "311121",
    optional: str = NONE,
    digits: dict[str, str] | None = None,
) -> Mrz:
    """Return a TD3 with correct check digits, except for those that are given."""
    given = digits or {}

    def digit(name: str, over: str) -> str:
        return given.get(name, check_digit(over))

    optional = optional.ljust(14, "<")
    empty = "<" if optional == NONE else check_digit(optional)
    line = (
        number + digit("number", number) + nationality + birth + digit("birth", birth) + sex
        + expiry + digit("expiry", expiry) + optional + given.get("optional", empty)
    )  # fmt: skip
    composite = digit("composite", line[:10] + line[13:20] + line[21:43])
    return Mrz.parse(first.ljust(44, "<") + line + composite)


def document(zone: Mrz) -> Document:
    return issue(**(BAC | {"mrz": zone, "permit": None}))


def judged(made: Document, optical: str = "", policy: str = "default") -> Inspected:
    evidence = made.evidence(optical_mrz=optical)
    return Inspected(evidence, made.judged(evidence, policy=policy))


GOOD = {
    "LDS_B_01": passport(optional="ABC123"),
    "LDS_B_02": passport("P<UTOMUSTERMANN<<ERIKA<M"),
    "LDS_B_03": passport("P<UTOMUSTERMANN"),
    "LDS_B_04": passport(digits={"optional": "0"}),
    "LDS_B_25": passport(birth="9001<<"),
    "LDS_B_26": passport(birth="90<<31"),
    "LDS_B_27": passport(birth="<<0131"),
    "LDS_B_28": passport(birth="<<<<<<"),
}


@pytest.mark.parametrize("zone", CASES.cases(GOOD))
def test_a_correct_mrz_is_accepted(zone: Mrz) -> None:
    judged(document(zone)).succeeded()
    for policy in ("default", "strict"):
        found = judged(document(zone), policy=policy)
        assert found.outcome("mrz.check-digits") is Outcome.PASSED
        assert found.outcome("lds.structure") is Outcome.PASSED


WRONG_DIGITS = {
    "LDS_B_13": passport(digits={"number": "0"}),
    "LDS_B_17": passport(digits={"birth": "9"}),
    "LDS_B_21": passport(digits={"expiry": "8"}),
    "LDS_B_22": passport(optional="ABC123", digits={"optional": "0"}),
    "LDS_B_23": passport(digits={"composite": "9"}),
}


@pytest.mark.parametrize("zone", CASES.cases(WRONG_DIGITS))
def test_a_wrong_check_digit_is_named(zone: Mrz) -> None:
    judged(document(zone)).failed("wrong check digit in DG1")


OF_ANOTHER_FORM = {
    "LDS_B_09": passport("P<1TOMUSTERMANN<<ERIKA"),
    "LDS_B_10": passport("P<UTO"),
    "LDS_B_14": passport(nationality="1TO"),
    "LDS_B_15": passport(birth="9A0131"),
    "LDS_B_16": passport(birth="901331"),
    "LDS_B_18": passport(sex="Z"),
    "LDS_B_19": passport(expiry="3A1121"),
    "LDS_B_20": passport(expiry="311341"),
}


@pytest.mark.parametrize("zone", CASES.cases(OF_ANOTHER_FORM))
def test_an_element_of_a_wrong_form_is_named(zone: Mrz) -> None:
    """It is signed in this form: it is named as a quirk, and a strict policy refuses it."""
    assert "lds.dg1" in str(judged(document(zone)).report.check("lds.structure"))
    strict = judged(document(zone), policy="strict")
    strict.failed()
    assert strict.report.check("lds.structure").outcome.value == "failed"


@CASES.case("LDS_B_08")
def test_an_unknown_document_code_is_accepted() -> None:
    """States use their own codes; the Document Signer's certificate limits those it may sign."""
    judged(document(passport("X<UTOMUSTERMANN<<ERIKA"))).succeeded()


@pytest.mark.parametrize(
    ("optical", "says"),
    CASES.cases(
        {
            "LDS_B_11": (passport("P<UTOMUSTERFRAU<<ERIKA<MARIA"), "name"),
            "LDS_B_12": (passport(number="ZU7654321"), "document number"),
        }
    ),
)
def test_a_data_page_that_differs_from_dg1_is_rejected(optical: Mrz, says: str) -> None:
    found = judged(document(passport()), optical.text).failed(says)
    assert found.report.verdict is Verdict.REJECT


@pytest.mark.parametrize(
    "change",
    CASES.cases(
        {
            "LDS_B_05": TAG_AND_LENGTH["01"],
            "LDS_B_06": TAG_AND_LENGTH["02"],
            "LDS_B_07": TAG_AND_LENGTH["03"],
            "LDS_B_24": lambda _: tlv.encode(0x61),
        }
    ),
)
def test_a_malformed_dg1_is_named(change: Callable[[bytes], bytes]) -> None:
    whole = document(passport()).files[FileID.DG1]
    judged(issue(**(BAC | {"more": {1: change(whole)}}))).failed("DG1")
