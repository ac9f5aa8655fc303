"""What a page says to type, and what it says is printed.

A block "```console" is what a terminal shows: `$ ` before each command, `> ` before its further
lines, and then what it prints.  "```console NAME" is another terminal, and the command `^C`
interrupts what runs there.  "```python FILE" (in any language) is a file that the reader saves.

`…` stands for lines, or for a part of a line, that are left out.  A date, a month, an hour, a
duration, a serial number, and what follows from random keys (digests, sizes in octets) may
differ each time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.helpers import REPOSITORY

INTERRUPT = "^C"
ELISION = "…"

_BLOCK = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE_NAME = re.compile(r"[\w-]+\.\w+")

_EACH_TIME = (
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)?)?",  # an instant
    r"\b\d{4}-\d\d\b(?!-)",  # a month
    r"\d\d:\d\d:\d\d",
    r"[\d,]+ octets",
    r"\d+\.\d+ ?s\b",
    r"\b[0-9A-F]{16,}\b|\b[0-9a-f]{12,}\b",  # serial numbers and digests
    r"(?<=CAN  )\d{6}\b",
    r"\d{7}[MFX<]\d{7}(?=[A-Z<]{3})|(?<=<)\d(?![^\n])",  # dates of the MRZ and its last digit
)
_VARYING = re.compile("|".join(f"({each})" for each in (re.escape(ELISION), *_EACH_TIME)))


@dataclass
class Step:
    """A command on a page, in one of its terminals, and what it prints; or a file to save."""

    terminal: str
    command: str
    printed: list[str] = field(default_factory=list)

    def matches(self, lines: Sequence[str]) -> "re.Match[str] | None":
        """Match what was printed with what the page shows."""
        found = "".join(f"{line.rstrip()}\n" for line in lines)
        return re.fullmatch("".join(map(_pattern, self.printed)), found)

    def updated(self, lines: Sequence[str]) -> list[str]:
        """Return what the page should show: what was printed, left out where the page does."""
        match = self.matches(lines)
        if match is None:
            return [line.rstrip() for line in lines]
        return [
            shown if ELISION in shown else found.removesuffix("\n")
            for shown, found in zip(self.printed, match.groups(), strict=True)
        ]


@dataclass
class SavedFile:
    """A file of a page."""

    name: str
    text: str


def steps(page: str) -> list[Step | SavedFile]:
    """Return what a page tells its reader to do, in order."""
    found: list[Step | SavedFile] = []
    for language, name, text in _BLOCK.findall(page):
        if language == "console":
            found += _commands(name, text)
        elif _FILE_NAME.fullmatch(name):
            found.append(SavedFile(name, text))
    return found


def rewritten(page: str, printed: Sequence[Sequence[str]]) -> str:
    """Return a page with what its commands printed, in order."""
    outputs = iter(printed)

    def block(match: re.Match[str]) -> str:
        if match[1] != "console":
            return match[0]
        lines = []
        for step in _commands(match[2] or "", match[3]):
            first, *others = step.command.splitlines()
            prompt = "" if first == INTERRUPT else "$ "
            lines += [f"{prompt}{first}", *(f"> {other}" for other in others)]
            lines += step.updated(next(outputs))
        head = match[0].partition("\n")[0]
        return "\n".join((head, *lines, "```"))

    return _BLOCK.sub(block, page)


def _commands(terminal: str, text: str) -> list[Step]:
    found: list[Step] = []
    for line in text.splitlines():
        if line.startswith("$ ") or line == INTERRUPT:
            found.append(Step(terminal, line.removeprefix("$ ")))
        elif line.startswith("> ") and not found[-1].printed:
            found[-1].command += f"\n{line[2:]}"
        else:
            found[-1].printed.append(line.rstrip())
    return found


def _pattern(shown: str) -> str:
    """Return the expression, with one group, for the lines that a line on a page stands for."""
    if shown.strip() == ELISION:
        return r"((?:.*\n)*?)"
    parts, end = [], 0
    for varying in _VARYING.finditer(shown):
        kind = (varying.lastindex or 1) - 1  # a date stands for a date, and a month for a month
        parts.append(re.escape(shown[end : varying.start()]))
        parts.append(f"(?:{_EACH_TIME[kind - 1]})" if kind else ".*")
        end = varying.end()
    return f"({''.join(parts)}{re.escape(shown[end:])}\n)"


def pages() -> list[Path]:
    """Return the pages that are carried out."""
    return [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs" / "tutorials").glob("*.md"))]
