"""What is printed on one card, from the application and the image that its chip will hold.

The MRZ is that of EF.DG1 and the CAN that of the chip, so print and chip have one source.  The
fields of the visual inspection zone are those of Doc 9303-5, 4.1.1.1 (TD1) and Doc 9303-4, 4.1.1.1
(TD3), by name; dates are as in Doc 9303-3, 3.8, with the English names of the months.
"""

from datetime import date
from typing import Final

from emrtd.access.passwords import PasswordType
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.files import FileID
from emrtd.mrz import Mrz
from personalise.preparing.application import Application, DateOfBirth
from personalise.station.sealed_image import SealedImage
from support.errors import MalformedError, MisuseError
from support.values import Undisclosed

_MONTHS: Final = (
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
)  # fmt: skip
_UNKNOWN_DAY, _UNKNOWN_MONTH, _UNKNOWN_YEAR = "XX", "XXX", "XXXX"
_SUFFIXES: Final = (
    (b"\xff\xd8\xff", ".jpg"),
    (b"\x89PNG", ".png"),
    (b"\x00\x00\x00\x0cjP", ".jp2"),
    (b"\xff\x4f\xff\x51", ".j2k"),
)


class VisualZone(Undisclosed, frozen=True):
    """The fields of the visual inspection zone; a field that the document lacks is empty."""

    document_code: str
    issuing_state: str
    document_number: str
    primary_identifier: str
    secondary_identifier: str
    name_in_full: str
    sex: str
    nationality: str
    date_of_birth: str
    place_of_birth: str
    personal_number: str
    date_of_issue: str
    date_of_expiry: str
    authority: str
    permit_category: str
    permit_valid_from: str
    permit_valid_until: str
    remarks: tuple[str, ...] = ()


class PrintRecord(Undisclosed, frozen=True):
    """One document for the printer.

    `portrait` is the name of its file, `barcode` the content of a barcode: the application's id,
    which the printer reads back and which names no person.
    """

    application: str
    format: str
    mrz: tuple[str, ...]
    visual: VisualZone
    can: str
    portrait: str
    barcode: str


def record_of(job: str, application: Application, image: SealedImage, portrait: str) -> PrintRecord:
    """Return what is printed for a job; `portrait` is the name of the portrait's file.

    Raises `MalformedError` if application and image are of different documents.
    """
    mrz = mrz_of(job, image)
    document = application.particulars.document
    number = mrz.document_number.rstrip("<")
    if (mrz.issuing_state, number) != (document.issuing_state, document.number.rstrip("<")):
        raise MalformedError(job, "its application and its image are of different documents")
    return PrintRecord(
        job,
        mrz.format.value,
        mrz.lines,
        _visual_zone(application),
        can_of(image),
        portrait,
        barcode=job,
    )


def mrz_of(job: str, image: SealedImage) -> Mrz:
    """Return the MRZ in EF.DG1; raises `MisuseError` if the image has none."""
    if FileID.DG1 not in image.files:
        raise MisuseError(f"{job}: its image holds no EF.DG1")
    return DataGroup1.decode(image.files[FileID.DG1]).mrz


def can_of(image: SealedImage) -> str:
    """Return the CAN that the chip will hold, empty if it has none."""
    found = image.order.keys.password(PasswordType.CAN)
    return "" if found is None else found.password.secret.reveal().decode("ascii")


def portrait_name(job: str, application: Application) -> tuple[str, bytes]:
    """Return a file name and the octets of the portrait, as it was delivered."""
    field = "biometrics.portrait"
    octets = application.image(field, application.particulars.biometrics.portrait)
    suffix = next((suffix for magic, suffix in _SUFFIXES if octets.startswith(magic)), "")
    return f"{job}{suffix}", octets


def _visual_zone(application: Application) -> VisualZone:
    particulars = application.particulars
    document, holder, permit = particulars.document, particulars.holder, particulars.permit
    return VisualZone(
        document_code=document.code,
        issuing_state=document.issuing_state,
        document_number=document.number,
        primary_identifier=holder.surname,
        secondary_identifier=holder.given_names,
        name_in_full=holder.name_in_full,
        sex=holder.sex.strip("<") or "X",
        nationality=holder.nationality,
        date_of_birth=_date_of_birth(holder.date_of_birth),
        place_of_birth=holder.place_of_birth,
        personal_number=holder.personal_number,
        date_of_issue=_date(document.issued),
        date_of_expiry=_date(document.expires),
        authority=document.authority,
        permit_category="" if permit is None else permit.category,
        permit_valid_from="" if permit is None else _date(permit.valid_from),
        permit_valid_until="" if permit is None else _date(permit.valid_until),
        remarks=() if permit is None else permit.remarks,
    )


def _date(at: date | None) -> str:
    return "" if at is None else f"{at.day:02} {_MONTHS[at.month - 1]} {at.year}"


def _date_of_birth(born: DateOfBirth) -> str:
    """Return a date of birth with X for what is unknown (Doc 9303-3, 3.8)."""
    day = _UNKNOWN_DAY if born.day is None else f"{born.day:02}"
    month = _UNKNOWN_MONTH if born.month is None else _MONTHS[born.month - 1]
    year = _UNKNOWN_YEAR if born.year is None else f"{born.year:04}"
    return f"{day} {month} {year}"
