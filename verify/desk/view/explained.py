"""The fields of a document with their dates and codes in words."""

from datetime import date
from typing import Any, Final

from emrtd.mrz.countries import two_letter_code
from support.printable_text import printable
from verify.judging.contents import WITHOUT_END
from verify.judging.report import Report
from verify.wording import Wording

_HOLDER: Final = (
    "surname",
    "given_names",
    "other_names",
    "date_of_birth",
    "sex",
    "nationality",
    "place_of_birth",
    "personal_number",
)
_DOCUMENT: Final = (
    "document_code",
    "document_number",
    "issuing_state",
    "issuing_authority",
    "date_of_issue",
    "date_of_expiry",
    "optional_data",
    "optional_data_2",
)
_SOON_DAYS: Final = 90


def holder_name(report: Report) -> str:
    """Return the name in full, in its own script, or else the names of the MRZ."""
    names = (report.document.get(each, "") for each in ("given_names", "surname"))
    return printable(report.document.get("name_in_full") or " ".join(filter(None, names)))


def holder_rows(report: Report, wording: Wording) -> list[dict[str, Any]]:
    """Return the rows of the holder: label, text, and for a State its two letters (`region`)."""
    return _rows(report, _HOLDER, wording)


def document_rows(report: Report, wording: Wording) -> list[dict[str, Any]]:
    """Return the rows of the document."""
    return _rows(report, _DOCUMENT, wording)


def _rows(report: Report, names: tuple[str, ...], wording: Wording) -> list[dict[str, Any]]:
    return [
        {"label": wording(f"document.{name}"), **_value(name, value, report, wording)}
        for name in names
        if (value := report.document.get(name))
    ]


def _value(name: str, value: str, report: Report, wording: Wording) -> dict[str, Any]:
    if name in {"nationality", "issuing_state"}:
        return _state(value, wording)
    today, text = report.at.date(), printable(value)
    match name:
        case "document_code":
            text = _document_code(value, wording)
        case "sex" if wording.has(f"sex.{value}"):
            text = wording(f"sex.{value}")
        case "date_of_birth":
            text = _birth(value, today, wording)
        case "date_of_expiry":
            text = _expiry(value, today, wording)
        case "date_of_issue":
            text = printable(wording.date(value))
        case _:
            pass
    return {"text": text}


def _state(code: str, wording: Wording) -> dict[str, Any]:
    """Return a State's code; the browser has the names of States, by two letters."""
    if wording.has(f"state.{code}"):
        return {"text": wording(f"state.{code}")}
    return {"text": printable(code), "region": two_letter_code(code)}


def _document_code(code: str, wording: Wording) -> str:
    key = next((each for each in (f"code.{code}", f"code.{code[:1]}") if wording.has(each)), "")
    return printable(wording(key or "code.other", code=code))


def _birth(value: str, today: date, wording: Wording) -> str:
    born, text = _date(value), printable(wording.date(value))
    if born is None or born > today:
        return text
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return wording("birth.age", date=text, age=wording.count("years", years))


def _expiry(value: str, today: date, wording: Wording) -> str:
    if value == WITHOUT_END:
        return wording("expiry.without-end")
    expires, text = _date(value), printable(wording.date(value))
    if expires is None:
        return text
    days = (expires - today).days
    if days < 0:
        return wording("expiry.past", date=text)
    if days == 0:
        return wording("expiry.today", date=text)
    if days <= _SOON_DAYS:
        return wording("expiry.soon", date=text, days=wording.count("days", days))
    return text


def _date(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
