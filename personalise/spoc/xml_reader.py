"""XML from other States: elements and text only, bounded, read by expat.

A document type, an entity, a processing instruction or an encoding other than UTF-8 and UTF-16 is
refused at its first octet, so nothing is ever expanded or fetched (SOAP 1.1, 3; WS-I Basic Profile
1.1, 4.1.2).
"""

from collections.abc import Mapping
from typing import Any, Final, NoReturn
from xml.parsers import expat

from support.errors import MalformedError
from support.values import Value

MAX_OCTETS: Final = 256 * 1024
MAX_DEPTH: Final = 16
MAX_ELEMENTS: Final = 512
_ENCODINGS: Final = frozenset({"UTF-8", "UTF-16"})
_WHAT: Final = "XML"
_SEPARATOR: Final = " "


class Element(Value, frozen=True):
    """An element: its namespace and name, its children, and its text if it has no children.

    The keys of `attributes` are a namespace, a space and a name, or a name alone.
    """

    namespace: str
    name: str
    attributes: Mapping[str, str]
    children: tuple["Element", ...]
    text: str


def read_xml(octets: bytes) -> Element:
    """Return the root element of a document; raises `MalformedError`."""
    if len(octets) > MAX_OCTETS:
        raise MalformedError(_WHAT, f"is longer than {MAX_OCTETS:,} octets")
    builder = _Builder()
    try:
        builder.parser.Parse(octets, True)
    except expat.ExpatError as error:
        raise MalformedError(
            _WHAT, expat.ErrorString(error.code), builder.parser.ErrorByteIndex
        ) from None
    except (LookupError, ValueError):  # an encoding that Python has, or not: expat asks it
        raise MalformedError(_WHAT, "its encoding is not UTF-8 or UTF-16") from None
    return builder.root


class _Builder:
    """Builds elements from expat's events."""

    def __init__(self) -> None:
        parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.ProcessingInstructionHandler = self._refuse_instruction
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        self.parser = parser
        self._open: list[tuple[str, dict[str, str], list[Element], list[str]]] = []
        self._count = 0
        self.root: Element

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.upper() not in _ENCODINGS:
            self._refuse("its encoding is not UTF-8 or UTF-16")

    def _refuse_doctype(self, *_: Any) -> None:
        self._refuse("has a document type")

    def _refuse_instruction(self, *_: Any) -> None:
        self._refuse("has a processing instruction")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) == MAX_DEPTH or self._count > MAX_ELEMENTS:
            self._refuse(f"has more than {MAX_DEPTH} levels or {MAX_ELEMENTS} elements")
        if self._open and "".join(self._open[-1][3]).strip():
            self._refuse("has an element beside text")
        self._open.append((name, attributes, [], []))

    def _text(self, text: str) -> None:
        _, _, children, parts = self._open[-1]
        if children and text.strip():
            self._refuse("has text beside an element")
        parts.append(text)

    def _end(self, _name: str) -> None:
        name, attributes, children, parts = self._open.pop()
        namespace, _, local = name.rpartition(_SEPARATOR)
        text = "" if children else "".join(parts)
        element = Element(namespace, local, attributes, tuple(children), text)
        if self._open:
            self._open[-1][2].append(element)
        else:
            self.root = element

    def _refuse(self, reason: str) -> NoReturn:
        raise MalformedError(_WHAT, reason, self.parser.CurrentByteIndex)
