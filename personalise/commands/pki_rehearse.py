"""The command `personalise pki rehearse`: a CSCA's rollover before it is carried out."""

from datetime import UTC, datetime
from pathlib import Path

import click

from personalise.commands.pki_options import pki_folder
from support.command_line import examples


@click.command(
    "rehearse",
    epilog=examples(
        "personalise pki rehearse --pki pki",
        'personalise pki rehearse --on 2030-06-01 --name "CSCA Utopia 2" --pki pki',
    ),
)
@click.option(
    "--on",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day of the rollover.  [default: when the CSCA's key may sign no more]",
)
@click.option("--name", default="", help="A new common name for the CSCA.")
@click.option(
    "--key",
    "kind",
    default="",
    metavar="KIND",
    help="Kind of the next key: a curve's name, or RSA-3072.  [default: as before]",
)
@click.option("--json", "json", is_flag=True, help="Print one JSON array.")
@pki_folder
def rehearse(on: datetime | None, name: str, kind: str, folder: Path, *, json: bool) -> None:
    """Show, day by day, which verifiers accept what when the CSCA is renewed.

    It is done with other keys and the settings of the PKI: nothing is changed, and no pass phrase
    is needed.
    """
    import msgspec

    from personalise.pki.issuing_pki import IssuingPki
    from personalise.pki.rehearsal import rehearse as answers
    from support.errors import MisuseError
    from support.printable_text import printable

    pki = IssuingPki.without_keys(folder)
    csca = pki.certificate("csca")
    begin, end = csca.signing_period
    day = end if on is None else on.replace(tzinfo=UTC)
    if day <= begin:
        raise MisuseError(f"--on: the CSCA was made on {begin:%Y-%m-%d}", advice="give a later day")
    if day > csca.not_after:
        problem = f"--on: the CSCA is valid until {csca.not_after:%Y-%m-%d}"
        raise MisuseError(problem, advice="give an earlier day")
    found = list(answers(pki.settings, begin, day, name, kind))
    if json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
        return
    event = ""
    for each in found:
        if each.event != event:
            event = each.event
            click.echo(f"{each.day:%Y-%m-%d}  {event}")
        reason = f"  {each.reason}" if each.reason else ""
        click.echo(printable(f"    {each.document:14} {each.store:24} {each.verdict:6}{reason}"))
