"""Sentences that can be said in another language: a text with fields in braces, and their values.

A `Reason` is its English sentence, and is compared, printed and stored as such.  Its text is the
key under which a catalogue (`verify.wording`) has the sentence in another language.  A sentence
without fields needs no `Reason`: a plain string is its own key.
"""

import contextlib
import re
from collections.abc import Iterable, Mapping
from typing import Final, Self

_TEXT: Final = r"(?:[^{}]|\{[a-z_0-9]+\})*"
"""A text whose fields are no more than names: no attribute, index, conversion or width."""
_MAX_DEPTH: Final = 2
_MAX_OCTETS: Final = 2_000


class Reason(str):
    """A sentence of a text such as "{file} has been changed" and the values of its fields.

    A value may be a `Reason` itself, or a sentence without fields.
    """

    __slots__ = ("fields", "text")

    text: str
    fields: Mapping[str, object]

    def __new__(cls, text: str, /, **fields: object) -> Self:
        """Make the English sentence; raises `KeyError` if a field has no value."""
        made = super().__new__(cls, text.format_map(fields))
        made.text = text
        made.fields = fields
        return made

    def __reduce__(self) -> tuple[object, ...]:
        return _made_again, (self.text, dict(self.fields))


def _made_again(text: str, fields: Mapping[str, object]) -> Reason:
    return Reason(text, **fields)


def joined(separator: str, parts: Iterable[str]) -> str:
    """Return sentences as one, with a separator between them; each stays what it is."""
    named = {f"part{number}": part for number, part in enumerate(parts, start=1)}
    if len(named) <= 1:
        return next(iter(named.values()), "")
    between = dict.fromkeys((f"between{number}" for number in range(1, len(named))), separator)
    text = "{part1}" + "".join(
        f"{{between{number - 1}}}{{part{number}}}" for number in range(2, len(named) + 1)
    )
    return Reason(text, **named, **between)


def plain(value: object) -> str:
    """Return a `Reason` as a plain string, for msgspec, which encodes no other."""
    if isinstance(value, Reason):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} is not encoded")


def encode(reason: str) -> bytes:
    """Return a sentence as octets for another process, with its text and fields if it has any."""
    import json

    return json.dumps(_parts(reason)).encode()


def _parts(reason: object) -> object:
    if isinstance(reason, Reason):
        return [reason.text, {name: _parts(value) for name, value in reason.fields.items()}]
    return str(reason)


def decode(octets: bytes) -> str:
    """Return the sentence that `encode` made; octets that it did not make are shown as they are.

    The other process may be hostile: a text can do no more than name its fields, and the bounds
    keep it from growing beyond some megabytes.
    """
    if len(octets) <= _MAX_OCTETS:
        import json

        with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
            return _sentence(json.loads(octets), _MAX_DEPTH)
    return octets.decode(errors="replace")


def _sentence(parts: object, depth: int) -> str:
    match parts:
        case str():
            return parts
        case [str(text), dict(fields)] if depth and re.fullmatch(_TEXT, text):
            return Reason(
                text, **{name: _sentence(each, depth - 1) for name, each in fields.items()}
            )
        case _:
            raise ValueError("neither a sentence nor a text with fields")
