"""ASN.1 modules compiled by `asn1tools`, which is untyped and slow to import: only used from here.

`asn1tools` ignores trailing octets and is slow for each element, so `check_elements` checks and
counts the elements first.  Its DER decoder never returns from a SEQUENCE OF whose element has a
wrong tag.  Its BER codec does return, and writes DER for the types used here (no SET, no DEFAULT),
as the byte-exact round trips of the tests prove.  Modules are compiled at their first use.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from support.errors import MalformedError, MisuseError
from support.reasons import Reason

MAX_ELEMENTS: Final = 2_500
"""The maximum number of elements of a value; the largest published sample has 200."""

MAX_DEPTH: Final = 24
"""The maximum nesting of elements; a landmark of ISO/IEC 39794-5 has depth 11."""


class Schema:
    """A type of an ASN.1 module; `what` names it in errors.

    Values are those of `asn1tools`: a dict for a SEQUENCE, a pair of name and value for a CHOICE,
    otherwise int, bool, bytes, str and list.
    """

    def __init__(self, what: str, type_name: str, modules: Sequence[Path]) -> None:
        self.what = what
        self._type_name = type_name
        self._modules = modules

    @cached_property
    def _compiled(self) -> Any:
        import asn1tools

        text = "\n".join(module.read_text(encoding="utf-8") for module in self._modules)
        return asn1tools.compile_string(text, "ber")

    def decode(self, octets: bytes) -> Any:
        """Read octets that are exactly one value; raises `MalformedError` for anything else."""
        check_elements(octets, self.what)
        from asn1tools import ConstraintsError, DecodeError

        try:
            return self._compiled.decode(self._type_name, octets, check_constraints=True)
        except (DecodeError, ConstraintsError) as problem:
            offset = getattr(problem, "offset", None)
            raise MalformedError(self.what, _reason(problem), offset) from None
        except (ValueError, LookupError, TypeError) as problem:  # asn1tools does not wrap these
            reason = Reason("cannot be decoded ({name})", name=type(problem).__name__)
            raise MalformedError(self.what, reason) from None

    def encode(self, value: Any) -> bytes:
        """Write a value as DER; raises `MisuseError` for one that the type does not allow."""
        from asn1tools import ConstraintsError, EncodeError

        try:
            return bytes(self._compiled.encode(self._type_name, value, check_constraints=True))
        except (EncodeError, ConstraintsError) as problem:
            raise MisuseError(f"{self.what}: {_reason(problem)}") from None
        except (ValueError, TypeError) as problem:  # asn1tools does not wrap these
            reason = Reason("a value is of the wrong type ({name})", name=type(problem).__name__)
            raise MisuseError(f"{self.what}: {reason}") from None


def check_elements(octets: bytes, what: str) -> None:
    """Check that octets are one BER element of definite lengths, and bound depth and number.

    Raises `MalformedError`.  `asn1tools` decodes what passes in well under a second.
    """
    ends = [len(octets)]
    position = count = 0
    while position < ends[-1]:
        count += 1
        if count > MAX_ELEMENTS:
            raise MalformedError(
                what,
                Reason("has more than {max_elements} elements", max_elements=MAX_ELEMENTS),
                position,
            )
        constructed, start, end = _element(octets, position, what)
        if end > ends[-1]:
            raise MalformedError(
                what,
                Reason("an element ends {end} octets beyond its parent", end=end - ends[-1]),
                position,
            )
        if len(ends) == 1 and end != len(octets):
            raise MalformedError(
                what, Reason("{octets} octets follow", octets=len(octets) - end), end
            )
        position = start if constructed else end
        if constructed:
            ends.append(end)
            if len(ends) > MAX_DEPTH:
                raise MalformedError(
                    what, Reason("is nested deeper than {max_depth}", max_depth=MAX_DEPTH), position
                )
        while len(ends) > 1 and position == ends[-1]:
            ends.pop()
    if not count:
        raise MalformedError(what, "is empty", 0)


def _element(octets: bytes, position: int, what: str) -> tuple[bool, int, int]:
    """Return whether the element is constructed, and the start and end of its value."""
    first = octets[position]
    length = 0
    try:
        if first & 0x1F == 0x1F:
            raise MalformedError(what, "has a tag of several octets", position)
        length = octets[position + 1]
        start = position + 2
        if length >= 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4:
                raise MalformedError(what, "has a length that DER does not allow", position + 1)
            start += size
            length = int.from_bytes(octets[start - size : start], "big")
    except IndexError:
        start = len(octets) + 1
    if start > len(octets):
        raise MalformedError(what, "ends inside a tag or length field", position)
    return bool(first & 0x20), start, start + length


MAX_REASON: Final = 200
"""The most characters in the description of a value that does not fit its type."""


def _reason(problem: Any) -> str:
    """Describe which field is wrong and why, without the value, which may be personal data.

    The messages of `asn1tools` contain the whole type of a missing field and the octets it read.
    Its exceptions are therefore described by their class, and any other message is shortened.
    """
    from asn1tools.codecs.ber import DecodeTagError, MissingMandatoryFieldError

    field = _path(problem)
    if isinstance(problem, MissingMandatoryFieldError):
        return Reason("{field} is missing", field=field)
    if isinstance(problem, DecodeTagError):
        tags = problem.asn_type.format_tag()
        wanted = " or ".join(tag.upper() for tag in (tags if isinstance(tags, list) else [tags]))
        return Reason(
            "{field} should begin with tag {wanted}, not with {actual_tag}",
            field=field,
            wanted=wanted,
            actual_tag=problem.actual_tag.upper(),
        )
    text = str(getattr(problem, "message", problem))
    for mark in (" in {", ", but got", " but got", " b'", " '"):
        text = text.partition(mark)[0]
    return Reason("{field}: {text}", field=field, text=_short(text)) if field else _short(text)


def _path(problem: Any) -> str:
    """Return the names from the outermost type to the field; a CHOICE repeats its field's name."""
    names = [each.name for each in reversed(getattr(problem, "location", [])) if each.name]
    path = ".".join(name for name, _ in groupby(names))
    return path if len(path) <= MAX_REASON // 2 else f"...{path[-MAX_REASON // 2 :]}"


def _short(text: str) -> str:
    return text if len(text) <= MAX_REASON // 2 else f"{text[: MAX_REASON // 2]}..."
