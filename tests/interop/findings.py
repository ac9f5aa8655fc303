"""What a reader of other people's found: programs of ours print it, a tab-separated pair a line."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Findings:
    """What was found, by name; most things are found once."""

    all: dict[str, list[str]]

    @classmethod
    def decode(cls, printed: str) -> Self:
        """What a program printed."""
        findings: defaultdict[str, list[str]] = defaultdict(list)
        for line in printed.splitlines():
            name, _, value = line.partition("\t")
            findings[name].append(value)
        return cls(dict(findings))

    def __getitem__(self, name: str) -> str:
        (value,) = self.all[name]
        return value

    def __contains__(self, name: str) -> bool:
        return name in self.all
