"""`./run release`: build, describe and sign a release of the commit that is checked out."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click

from release.building import build
from release.sbom import make_sbom
from release.signing import sign, write_sums
from release.source import source_of
from support.command_line import examples, run_command_line
from support.errors import MisuseError
from support.files import is_taken

REPOSITORY = Path(__file__).resolve().parents[1]
SIGNERS = REPOSITORY / "release" / "signers"


@click.command(name="release", epilog=examples("./run release --key ~/.ssh/release"))
@click.option(
    "--key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="OpenSSH key that signs the checksums; its public part, if an agent holds it.",
)
@click.option("--unsigned", is_flag=True, help="Do not sign: for a trial.")
@click.option(
    "--address",
    help="Address of the repository, for the links of a package index.  [default: that of git's"
    " remote `origin`]",
)
@click.option(
    "--signers",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=SIGNERS,
    help="Who may sign releases.  [default: release/signers]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="New folder for the release.  [default: dist/VERSION]",
)
def release(
    key: Path | None, signers: Path, address: str | None, output: Path | None, *, unsigned: bool
) -> None:
    """Make a release of the commit that is checked out: distributions, SBOM, checksums.

    The version is that of pyproject.toml, and CHANGELOG.md begins with its entry.  The wheel is
    built from the source distribution.  Both are built twice, and have to be the same octets.
    """
    if (key is None) is not unsigned:
        raise MisuseError("a release is signed", advice="name a key with --key, or --unsigned")
    source = source_of(REPOSITORY)
    address = _address(address)
    folder = output or REPOSITORY / "dist" / source.version
    if is_taken(folder):
        raise MisuseError(f"{folder}: already exists", advice="choose another folder with -o")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        files = build(source, address, folder)
        lock = (REPOSITORY / "requirements" / "dev.lock").read_text(encoding="utf-8")
        sbom = folder / f"chipseal-{source.version}.cdx.json"
        sbom.write_text(
            make_sbom(lock, source.version, files, source.epoch, address), encoding="utf-8"
        )
        sums = write_sums(folder, [*files, sbom])
        signer = sign(sums, key, signers)[1] if key is not None else None
    except BaseException:
        shutil.rmtree(folder)
        raise
    for each in sorted(folder.iterdir()):
        click.echo(f"{each}  {each.stat().st_size:,} octets")
    click.echo(f"signed by {signer}" if signer else "not signed: a trial")
    click.echo(f"tag it: git tag -s v{source.version} {source.commit[:12]}")


def _address(named: str | None) -> str:
    """Return the https address of the repository, without .git."""
    if named is None:
        line = ("git", "-C", str(REPOSITORY), "remote", "get-url", "origin")
        named = subprocess.run(line, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9._~-]+)+", named):
        raise MisuseError(
            f"{named!r} is not the https address of a repository", advice="name it with --address"
        )
    return named.removesuffix(".git")


if __name__ == "__main__":
    sys.exit(run_command_line(release))
