"""How much an archive may hold and how its files may be named, and the refusals of the rest."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol

from personalise.intake.refusals import Refusal, RefusedPackageError

MAX_APPLICATIONS: Final = 1000
MAX_OCTETS: Final = 256 * 1024 * 1024
FILES_PER_APPLICATION: Final = 64
_EXPANSION: Final = 4
_MAX_NAME: Final = 1024
MAKE_IT_ANEW: Final = (
    "make it anew; `openssl cms` needs `-binary` to sign and to encrypt an archive"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one package may hold: applications, and octets before and after encryption."""

    applications: int = MAX_APPLICATIONS
    octets: int = MAX_OCTETS

    @property
    def entries(self) -> int:
        """How many files and folders."""
        return FILES_PER_APPLICATION * self.applications

    @property
    def decompressed(self) -> int:
        """How many octets all files have together; images hardly compress."""
        return _EXPANSION * self.octets


class Archive(Protocol):
    """The files of an archive by name, with `/` between folders."""

    @property
    def names(self) -> Collection[str]:
        """The names of all files, in their order in the archive."""
        ...

    def read(self, name: str, limit: int) -> bytes:
        """Return a file of at most `limit` octets.

        Raises `RefusedPackageError` if it is damaged or larger.
        """
        ...


class Names:
    """Collects the names of an archive's entries, and refuses those that are not safe."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._seen: set[str] = set()
        self._octets = 0

    def add(self, name: str, size: int) -> str:
        """Check the name and the stated size of the next entry; return the name in plain form."""
        number = len(self._seen) + 1
        if number > self._limits.entries:
            raise RefusedPackageError(
                Refusal.TOO_LARGE, f"the package holds more than {self._limits.entries:,} entries"
            )
        plain = name.removeprefix("./") if name not in {".", "./"} else name
        parts = plain.rstrip("/").split("/")
        for forbidden, what in (
            (plain.startswith("/") or plain[1:2] == ":", "an absolute name"),
            (".." in parts, "a name with `..`"),
            ("\\" in plain, "a name with a backslash"),
            (not plain or "" in parts, "an empty name"),
            (not plain.isprintable(), "a name with characters that cannot be printed"),
            (len(plain) > _MAX_NAME, f"a name of more than {_MAX_NAME} characters"),
            (plain.rstrip("/") in self._seen, "the name of an entry before it"),
        ):
            if forbidden:
                raise unsafe(number, what)
        self._octets += size
        if size < 0 or self._octets > self._limits.decompressed:
            raise RefusedPackageError(
                Refusal.TOO_LARGE,
                f"the files of the package have more than {self._limits.decompressed:,} octets",
                advice="divide it into several packages",
            )
        self._seen.add(plain.rstrip("/"))
        return plain


def unsafe(number: int, what: str) -> RefusedPackageError:
    """Return the refusal for entry `number` of an archive; its name may be a person's."""
    return RefusedPackageError(Refusal.UNSAFE_CONTENT, f"entry {number} of the package has {what}")


def damaged(what: str) -> RefusedPackageError:
    """Return the refusal of an archive that cannot be read."""
    return RefusedPackageError(
        Refusal.DAMAGED_CONTENT, f"the archive in the package {what}", advice=MAKE_IT_ANEW
    )


def too_large(limit: int) -> RefusedPackageError:
    """Return the refusal of a file that has more octets than its kind may have."""
    return RefusedPackageError(Refusal.TOO_LARGE, f"a file has more than {limit:,} octets")
