"""What is released: a clean commit, whose version has an entry in the changelog."""

import re
import subprocess
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from support.errors import MisuseError

_TAGGED: Final = "%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)"
"""The commit of a tag, whether it is signed or not."""
_HEADING: Final = re.compile(r"^## (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Source:
    """A commit of a repository, and the version that its pyproject.toml names."""

    repository: Path
    commit: str
    version: str
    epoch: int
    """The time of the commit in seconds (SOURCE_DATE_EPOCH)."""

    def export(self, folder: Path) -> None:
        """Write the files of the commit into a new folder."""
        folder.mkdir()
        archive = _git(self.repository, "archive", "--format=tar", self.commit)
        subprocess.run(("tar", "-x", "-C", str(folder)), input=archive, check=True)  # noqa: S603, S607


def source_of(repository: Path) -> Source:
    """Return the commit that is checked out.

    Raises `MisuseError` if a file differs from it, if the changelog does not begin with an entry
    for the version, dated by a day, or if the version was already tagged at another commit.
    """
    changed = _git(repository, "status", "--porcelain").decode()
    if changed:
        first = changed.splitlines()[0][3:]
        raise MisuseError(f"{first}: is not committed", advice="commit or remove what has changed")
    commit = _git(repository, "rev-parse", "HEAD").decode().strip()
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version: str = project["version"]
    _require_entry(repository / "CHANGELOG.md", version)
    tagged = (
        _git(repository, "tag", "--list", f"v{version}", f"--format={_TAGGED}").decode().strip()
    )
    if tagged not in {"", commit}:
        raise MisuseError(
            f"v{version}: is a tag of another commit", advice="raise the version in pyproject.toml"
        )
    epoch = int(_git(repository, "show", "--no-patch", "--format=%ct", commit))
    return Source(repository, commit, version, epoch)


def _require_entry(changelog: Path, version: str) -> None:
    heading = _HEADING.search(changelog.read_text(encoding="utf-8"))
    name, _, day = (heading[1] if heading else "").partition(", ")
    advice = f'begin it with "## {version}, " and the day of the release, such as 2026-12-01'
    if name != version:
        raise MisuseError(f"{changelog.name}: its first entry is not {version}", advice=advice)
    try:
        date.fromisoformat(day)
    except ValueError:
        raise MisuseError(
            f"{changelog.name}: the entry {version} has no date", advice=advice
        ) from None


def _git(repository: Path, *arguments: str) -> bytes:
    done = subprocess.run(  # noqa: S603 - our own arguments
        ("git", "-C", str(repository), *arguments),  # noqa: S607 - found on the PATH
        capture_output=True,
        check=False,
    )
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip()
        raise MisuseError(f"git {arguments[0]}: {words}", advice="run this in a clone")
    return done.stdout
