"""The values of the data objects in data groups: text, dates, counts.

Reading accepts the quirks of real documents and names them in a list; writing is strict.
"""

import re
from typing import Final

from emrtd.tlv import DataObject, DataObjects
from support.errors import MisuseError
from support.reasons import Reason

INSTANCES: Final = 0x02
"""Tag of the number of instances, in every data group that has one."""

Other = tuple[tuple[int, bytes], ...]
"""The data objects of a data group that no field holds: tag and value, in order."""

_DIGITS: Final = re.compile(r"[0-9]*")


def read_text(data_object: DataObject, tolerated: list[str]) -> str:
    """Return text in UTF-8; other octets are read as Latin-1, which is a quirk."""
    try:
        return data_object.value.decode()
    except UnicodeDecodeError:
        tolerated.append(
            Reason("{data_object} is not UTF-8, read as Latin-1", data_object=_name(data_object))
        )
        return data_object.value.decode("latin-1")


def read_digits(data_object: DataObject, size: int, tolerated: list[str]) -> str:
    """Return a date or time of `size` ASCII digits; BCD and an empty value are quirks.

    Doc 9303-10, 4.7.12: inspection systems should support both.
    """
    value = data_object.value
    if len(value) == size and value.isdigit():
        return value.decode("ascii")
    if not value:
        tolerated.append(Reason("{data_object} is empty", data_object=_name(data_object)))
        return ""
    if len(value) * 2 == size and value.hex().isdecimal():
        tolerated.append(Reason("{data_object} is in BCD", data_object=_name(data_object)))
        return value.hex()
    if len(value) <= 2 * size and value.isascii() and value.decode("ascii").isprintable():
        tolerated.append(
            Reason("{data_object} is not {size} digits", data_object=_name(data_object), size=size)
        )
        return value.decode("ascii")
    raise data_object.malformed(
        Reason("is neither {size} digits nor {size2} octets of BCD", size=size, size2=size // 2)
    )


def check_count(objects: DataObjects, found: int, what: str, tolerated: list[str]) -> None:
    """Compare the declared number of instances with the actual one; name a difference."""
    declared = objects.get(INSTANCES)
    if declared is None:
        tolerated.append(Reason("{what}: the number of instances is missing", what=what))
    elif int.from_bytes(declared.value, "big") != found or not declared.value:
        tolerated.append(Reason("{what}: the declared number of instances is wrong", what=what))


def others(objects: DataObjects, *known: int) -> Other:
    """Return the data objects with none of these tags."""
    return tuple((each.tag, each.value) for each in objects if each.tag not in known)


def text_octets(what: str, text: str, limit: int) -> bytes:
    """Return text in UTF-8; raises `MisuseError` for more than `limit` characters."""
    if len(text) > limit:
        raise MisuseError(f"{what}: {len(text)} characters; {limit} are allowed")
    return text.encode()


def is_digits(text: str, size: int) -> bool:
    """Whether text is that many ASCII digits."""
    return len(text) == size and _DIGITS.fullmatch(text) is not None


def digit_octets(what: str, digits: str, size: int) -> bytes:
    """Return a date or time as ASCII digits; raises `MisuseError` for any other text."""
    if not is_digits(digits, size):
        raise MisuseError(f"{what}: is not {size} digits")
    return digits.encode("ascii")


def coded_name(name: str) -> str:
    """Return a name with fillers as in the MRZ, untruncated and in its own script.

    "Smith, John J" becomes "Smith<<John<J"; a name without a comma is one identifier.
    """
    primary, comma, secondary = name.partition(",")
    coded = "<".join(primary.split())
    return coded + "<<" + "<".join(secondary.split()) if comma and secondary.strip() else coded


def decoded_name(coded: str) -> str:
    """Return a name without fillers: "Smith, John J" for "Smith<<John<J"."""
    identifiers = (" ".join(each.replace("<", " ").split()) for each in coded.split("<<"))
    return ", ".join(filter(None, identifiers))


def _name(data_object: DataObject) -> str:
    return Reason("{what}: data object {tag}", what=data_object.what, tag=f"{data_object.tag:02X}")
