"""`vsmartcard forge`: forgeries of a document, to try a reader with."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from support.command_line import Instant, examples
from support.errors import MisuseError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vsmartcard.forging.forgery import Forgery


@click.command(
    epilog=examples(
        "vsmartcard forge --list",
        "vsmartcard forge dg1.name image -o forged",
    )
)
@click.argument("kind", required=False)
@click.argument("image", required=False, type=click.Path(path_type=Path, exists=True))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="New folder for the forged image.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="The same seed makes the same forgery.",
)
@click.option(
    "--at",
    type=Instant(),
    help="The instant of the forgery; without a time zone it is UTC.  [default: now]",
)
@click.option("--list", "list_kinds", is_flag=True, help="List the kinds of forgery.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="With --list: an array of objects with kind, family, gain, check and on_chip.",
)
def forge(
    *,
    kind: str | None,
    image: Path | None,
    output: Path | None,
    seed: int,
    at: datetime | None,
    list_kinds: bool,
    as_json: bool,
) -> None:
    """Forge a document from the files of a genuine one, which may be partial.

    The new folder is an image with the forged files.  The reader `forgery:DIR` puts its chip into a
    reader in the same process.  For kinds that go through the trust store, the folder `trust` in it
    has the files to be added: first `trusted-*`, then `poison-*`.
    """
    from vsmartcard.forging.folder import forge_into
    from vsmartcard.forging.kinds import kind as find
    from vsmartcard.forging.kinds import kinds

    if list_kinds:
        _list(kinds().values(), as_json=as_json)
        return
    if as_json:
        raise MisuseError("--json is for --list")
    if kind is None or image is None or output is None:
        raise MisuseError(
            "forge needs a kind, an image and a new folder",
            advice="use forge KIND IMAGE -o FOLDER, or forge --list",
        )
    forgery = find(kind)
    at = datetime.now(UTC) if at is None else at
    forged = forge_into(output, forgery, image, at=at.replace(microsecond=0), seed=seed)
    click.echo(f"{forgery.name}: {forgery.gain}; {forgery.check} must not pass")
    if forgery.on_chip:
        click.echo(f"only at the chip: --reader forgery:{output}", err=True)
    if forged.trusted or forged.poison:
        click.echo(f"for the trust store: {output}/trust", err=True)


def _list(found: "Iterable[Forgery]", *, as_json: bool) -> None:
    import json

    if as_json:
        click.echo(json.dumps([each.as_json() for each in found]))
        return
    family = None
    for each in found:
        if each.family is not family:
            family = each.family
            click.echo(f"{family.value}:")
        where = ", at the chip" if each.on_chip else ""
        click.echo(f"  {each.name}\n    {each.gain}\n    caught by {each.check}{where}")
