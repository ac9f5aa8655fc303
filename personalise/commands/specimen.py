"""The command `personalise specimen`."""

from datetime import datetime
from pathlib import Path

import click

from support.command_line import examples
from support.errors import MisuseError

_YEARS = range(1900, 2100)
"""Years of issue; the holders are up to a hundred years old."""


@click.command("specimen", epilog=examples("personalise specimen -n 20 -o applications"))
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the applications, each in its own subfolder: 0001, 0002, ...",
)
@click.option(
    "-n",
    "--number",
    type=click.IntRange(1, 9999),
    default=1,
    show_default=True,
    help="Number of applications.",
)
@click.option(
    "--seed", default="utopia", show_default=True, help="The same seed makes the same applications."
)
@click.option(
    "--issued",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Latest date of issue; each application is issued on it or within 60 days before."
    "  [default: 2026-11-20]",
)
def specimen(folder: Path, number: int, seed: str, issued: datetime | None) -> None:
    """Make applications for holders who do not exist.

    Portraits and fingerprints are synthetic, so that demonstrations, tests and measurements need
    no personal data.  Every twelve applications cover the ordinary variations: names in other
    scripts, single names, names too long for the MRZ, unknown dates of birth, missing fingers.
    """
    from personalise.specimen.applications import ISSUED_BY, write_applications

    latest = ISSUED_BY if issued is None else issued.date()
    if not _YEARS.start <= latest.year < _YEARS.stop:
        raise MisuseError(
            f"--issued: {latest:%Y-%m-%d} is no date of issue",
            advice=f"give a day from {_YEARS.start} to {_YEARS.stop - 1}",
        )
    for target, made in write_applications(folder, number, seed, latest):
        variation = made.variation.name.lower().replace("_", " ")
        click.echo(
            f"{target}  {made.name_in_full}" + ("" if variation == "none" else f"  ({variation})")
        )
