"""An application, as the case-working system delivers it: `application.json` and its images.

Every field is checked here before anything is encoded.  Every error names the field and never shows
its value.  Rules that depend on the kind of document (the MRZ, the data groups) are checked by
`personalise.preparing.data_groups`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Final, Self

from support.errors import MisuseError
from support.records import FieldError, Record, from_json, read_bounded, reject

FILE_NAME: Final = "application.json"
MAX_RECORD: Final = 256 * 1024
"""Octets of `application.json`."""
MAX_IMAGE: Final = 16 * 1024 * 1024
"""Octets of one image as it is delivered; the one on the chip is smaller."""
MAX_TEXT: Final = 200
"""Characters of one text field."""
MAX_REMARKS: Final = 20

_NAME_A_FOLDER: Final = "name the folder of an application, or an encrypted package"

_MANY: Final = "`personalise intake` and `personalise station`, or name one folder"

_REASON: Final = "enter the reason why there is no print"

FINGER_POSITIONS: Final = tuple(
    f"{hand}-{finger}"
    for hand in ("right", "left")
    for finger in ("thumb", "index", "middle", "ring", "little")
)

_DOCUMENT_CODE: Final = re.compile(r"[A-Z][A-Z<]?")
_STATE: Final = re.compile(r"[A-Z]{1,3}")
_NUMBER: Final = re.compile(r"[A-Z0-9<]{1,22}")
_BIRTH: Final = re.compile(r"(\d{4}|XXXX)(?:-(\d\d|XX)(?:-(\d\d|XX))?)?")


@dataclass(frozen=True, repr=False)
class DateOfBirth:
    """A date of birth of which the year, the month or the day may be unknown (None)."""

    year: int | None
    month: int | None
    day: int | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read YYYY-MM-DD; an unknown month or day is 00 or XX, or is left out at the end.

        An unknown year is 0000 or XXXX.  Raises `MisuseError`, without the value, for another form
        or a date that does not exist in the calendar.
        """
        form = _BIRTH.fullmatch(text)
        if form is None:
            raise MisuseError("is not YYYY-MM-DD, with 00 for an unknown month or day")
        year, month, day = (
            None if part is None or not part.strip("0X") else int(part) for part in form.groups()
        )
        try:  # 29 February is valid if the year is unknown, day 31 if the month is
            date(year or 2000, month or 1, day or 1)
        except ValueError:
            raise MisuseError("is not a date of the calendar") from None
        return cls(year, month, day)

    @property
    def mrz(self) -> str:
        """YYMMDD, with fillers for unknown parts (Doc 9303-3, 4.8)."""
        year = "<<" if self.year is None else f"{self.year % 100:02}"
        return year + "".join("<<" if n is None else f"{n:02}" for n in (self.month, self.day))

    @property
    def digits(self) -> str:
        """YYYYMMDD, with zeros for unknown parts (Doc 9303-10, 4.7.11)."""
        return f"{self.year or 0:04}{self.month or 0:02}{self.day or 0:02}"

    @property
    def earliest(self) -> date:
        """The earliest possible date."""
        return date(self.year or 1, self.month or 1, self.day or 1)


class DocumentData(Record, frozen=True):
    """The fields of `document`: its code, State, number, dates and issuing authority.

    `expires` is None for a document without end, which the chip profile must allow.
    """

    code: str
    issuing_state: str
    number: str
    issued: date
    expires: date | None
    authority: str = ""

    def __post_init__(self) -> None:
        _require(_DOCUMENT_CODE, self.code, "code", "is not one or two letters A to Z")
        _require(_STATE, self.issuing_state, "issuing_state", "is not a code of 1 to 3 letters")
        _require(_NUMBER, self.number, "number", "is not 1 to 22 letters A to Z and digits")
        if not self.number.strip("<"):
            reject("number", "is empty")
        if self.expires is not None and self.expires <= self.issued:
            reject("expires", "is not after document.issued")
        _text(self.authority, "authority")


class Holder(Record, frozen=True):
    """The fields of `holder`.  `surname` is the primary identifier, or a single name."""

    surname: str
    nationality: str
    born: str
    sex: str
    given_names: str = ""
    name_in_full: str = ""
    place_of_birth: str = ""
    personal_number: str = ""

    def __post_init__(self) -> None:
        advice = "enter the only name of a one-name holder here"
        _text(self.surname, "surname", "is empty", advice=advice)
        _require(_STATE, self.nationality, "nationality", "is not a code of 1 to 3 letters")
        try:
            DateOfBirth.parse(self.born)
        except MisuseError as error:
            reject("born", str(error))
        if self.sex not in {"F", "M", "X", "<", ""}:
            reject("sex", "is not F, M or X (unspecified)")
        _text(self.given_names, "given_names")
        _text(self.name_in_full, "name_in_full")
        _text(self.place_of_birth, "place_of_birth")
        _text(self.personal_number, "personal_number")

    @property
    def date_of_birth(self) -> DateOfBirth:
        """The date of birth, parts of which may be unknown."""
        return DateOfBirth.parse(self.born)


class PermitConditions(Record, frozen=True):
    """The fields of `permit`: its conditions.  Without `valid_until` the permit has no end."""

    category: str
    valid_from: date
    stay: bool
    work: str
    study: bool
    public_funds: bool
    valid_until: date | None = None
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _text(self.category, "category", "is empty")
        advice = "enter for example permitted, restricted or none"
        _text(self.work, "work", "is empty", advice=advice)
        if self.valid_until is not None and self.valid_until < self.valid_from:
            reject("valid_until", "is before permit.valid_from")
        if len(self.remarks) > MAX_REMARKS:
            reject("remarks", f"are more than {MAX_REMARKS}")
        for number, remark in enumerate(self.remarks):
            _text(remark, f"remarks[{number}]", "is empty")


class Finger(Record, frozen=True):
    """One finger: either the image of its print, or the reason why there is none."""

    position: str
    image: str | None = None
    missing: str | None = None

    def __post_init__(self) -> None:
        if self.position not in FINGER_POSITIONS:
            reject("position", f"is not one of {', '.join(FINGER_POSITIONS)}")
        if self.image is None and self.missing is None:
            reject("image", "is missing", advice=f"{_REASON} in `missing` instead")
        if self.image is not None and self.missing is not None:
            reject("missing", "is present beside an image", advice="remove one of the two")
        if self.image is not None:
            _file_name(self.image, "image")
        if self.missing is not None:
            _text(self.missing, "missing", "is empty", advice=_REASON)


class Biometrics(Record, frozen=True):
    """The fields of `biometrics`: the names of the image files.

    `fingers` is empty for a holder without fingerprints.  `eyes`, if known, are the centres of both
    eyes in the portrait, in pixels from its top left corner: the portrait is cropped around them.
    """

    portrait: str
    fingers: tuple[Finger, ...] | None = None
    eyes: tuple[tuple[float, float], tuple[float, float]] | None = None

    def __post_init__(self) -> None:
        _file_name(self.portrait, "portrait")
        positions = [finger.position for finger in self.fingers or ()]
        for number, position in enumerate(positions):
            if position in positions[:number]:
                reject(f"fingers[{number}].position", "is given twice")


class Particulars(Record, frozen=True):
    """The contents of `application.json`."""

    document: DocumentData
    holder: Holder
    biometrics: Biometrics
    permit: PermitConditions | None = None

    def __post_init__(self) -> None:
        if self.holder.date_of_birth.earliest > self.document.issued:
            reject("holder.born", "is after document.issued")


@dataclass(frozen=True, repr=False)
class Application:
    """An application that has been read and checked.

    `name` identifies it in messages; `image` returns the octets of an image file that it names.
    """

    name: str
    particulars: Particulars
    _read: Callable[[str], bytes]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read an application from its folder.

        Raises `FieldError` for a wrong field, `MisuseError` for a folder without an application.
        """
        record = folder / FILE_NAME
        if not folder.is_dir():
            raise MisuseError(f"{folder}: no such folder", advice=_NAME_A_FOLDER)
        if not record.is_file():
            many = any(folder.glob(f"*/{FILE_NAME}"))
            advice = f"for the applications in it use {_MANY}" if many else _NAME_A_FOLDER
            raise MisuseError(f"{folder}: holds no {FILE_NAME}", advice=advice)

        def read(image: str) -> bytes:
            path = folder / image
            # A symbolic link could point outside the folder.
            if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
                raise MisuseError(f"{folder}: holds no file {image}")
            return read_bounded(path, MAX_IMAGE)

        return cls.decode(read_bounded(record, MAX_RECORD), read, str(record))

    @classmethod
    def decode(cls, octets: bytes, read: Callable[[str], bytes], name: str = FILE_NAME) -> Self:
        """Decode `application.json`; raises `FieldError`.

        `read` returns the octets of an image file, and raises `MisuseError` if there is none.
        """
        return cls(name, from_json(octets, Particulars, name), read)

    def image_names(self) -> dict[str, str]:
        """Return the names of the image files, by the field that names each."""
        biometrics = self.particulars.biometrics
        found = {"biometrics.portrait": biometrics.portrait}
        for number, finger in enumerate(biometrics.fingers or ()):
            if finger.image is not None:
                found[f"biometrics.fingers[{number}].image"] = finger.image
        return found

    def image(self, field: str, file_name: str) -> bytes:
        """Return the octets of an image file; raises `FieldError` for the field that names it."""
        try:
            octets = self._read(file_name)
        except (MisuseError, OSError) as error:
            reason = error.strerror or "cannot be read" if isinstance(error, OSError) else error
            raise self.error(field, str(reason)) from None
        if not octets:
            raise self.error(field, "names a file that is empty")
        return octets

    def detached(self) -> "Application":
        """Return the same application with its images in memory, for another process.

        An image that cannot be read has the same error there.
        """
        images, problems = {}, {}
        for name in self.image_names().values():
            try:
                images[name] = self._read(name)
            except OSError as error:
                problems[name] = error.strerror or "cannot be read"
            except MisuseError as error:
                problems[name] = str(error)
        return Application(self.name, self.particulars, _Images(images, problems))

    def error(self, field: str, problem: str, *, advice: str = "") -> FieldError:
        """Return the error for a field of this application."""
        return FieldError(self.name, field, problem, advice=advice)


@dataclass(frozen=True)
class _Images:
    """The images of an application in memory, or why there is none; a function of their name."""

    images: Mapping[str, bytes] = field(repr=False)
    problems: Mapping[str, str] = field(repr=False)

    def __call__(self, name: str) -> bytes:
        if name in self.problems:
            raise MisuseError(self.problems[name])
        return self.images[name]


def _require(form: re.Pattern[str], value: str, field: str, problem: str) -> None:
    if not form.fullmatch(value):
        reject(field, problem)


def _text(value: str, field: str, when_empty: str | None = None, *, advice: str = "") -> None:
    if when_empty is not None and not value.strip():
        reject(field, when_empty, advice=advice)
    if len(value) > MAX_TEXT:
        reject(field, f"is longer than {MAX_TEXT} characters")
    if not value.isprintable():
        reject(field, "contains a line break or another character that cannot be printed")


def _file_name(value: str, field: str) -> None:
    path = PurePosixPath(value)
    if not value or path.is_absolute() or ".." in path.parts or "\\" in value or "\0" in value:
        reject(field, "is not the name of a file in the application's folder")
    _text(value, field)
