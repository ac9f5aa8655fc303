"""The command `chipseal conformance chip`."""

from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conformance.chip.catalogue import CASES, PROFILES, SUITE
from conformance.commands import Output, with_list, with_output
from support.command_line import examples
from support.errors import ExitStatus, MisuseError

if TYPE_CHECKING:
    from conformance.chip.suite import Cards

_VIRTUAL = "virtual:"


@click.command(
    epilog=examples(
        "chipseal conformance chip --reader virtual:blank.card",
        "chipseal conformance chip --mrz - --cvca keys --junit results.xml",
    )
)
@click.option(
    "--reader",
    default="",
    help="PC/SC reader (part of its name), or virtual:FILE.  [default: the only one]",
)
@click.option(
    "--mrz",
    metavar="TEXT|-",
    help="The printed MRZ, or NUMBER,YYMMDD,YYMMDD; as for `verify card`.",
)
@click.option("--can", metavar="N|-", help="The printed Card Access Number.")
@click.option(
    "--cvca",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for Terminal Authentication: certificates (*.cvcert) and encrypted keys (*.p8).",
)
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with the pass phrase of these keys.",
)
@click.option(
    "--without",
    type=click.Choice(PROFILES),
    multiple=True,
    help="A feature that the card is declared not to have; repeatable.",
)
@click.option(
    "--allow-changes",
    is_flag=True,
    help="Run the cases that change the date and the trust points of the card for good.",
)
@click.option(
    "--date",
    "today",
    metavar="YYYY-MM-DD",
    type=click.DateTime(("%Y-%m-%d",)),
    help="The date that the card has, for --allow-changes.  [default: that on which the CVCA's"
    " certificate became effective]",
)
@with_list(lambda: CASES)
@with_output
def chip(
    *,
    reader: str,
    mrz: str | None,
    can: str | None,
    cvca: Path | None,
    passphrase_file: Path | None,
    without: tuple[str, ...],
    allow_changes: bool,
    today: datetime | None,
    **output: Any,
) -> ExitStatus:
    """Run the chip cases of TR-03105-3.2 against the card in a reader.

    A blank card `virtual:FILE` is personalised as each case requires, and is blank afterwards.  Any
    other card is described by --mrz or --can, and is only read.  With the CVCA's key in the folder
    of --cvca, the suite makes the certificates of the cases itself; with the key of a terminal
    alone, it presents that terminal's own chain, to whose dates the card may advance its own.
    """
    from conformance.chip.suite import run_suite

    wanted = Output(**output)
    cases = wanted.selected(CASES)
    described = mrz is not None or can is not None
    if not described and reader.startswith(_VIRTUAL) and (cvca or allow_changes or today):
        raise MisuseError(
            f"{reader}: a blank card needs no --cvca, --allow-changes and --date",
            advice="describe the card with --mrz or --can if it is not blank",
        )
    with ExitStack() as stack:
        cards: Cards
        if reader.startswith(_VIRTUAL) and not described:
            cards = _blank_cards(Path(reader.removeprefix(_VIRTUAL)), stack)
        else:
            from conformance.chip.cards import DescribedCard
            from conformance.chip.cvca_folder import CvcaFolder
            from emrtd.transport.readers import connect
            from support.passphrase import read_passphrase
            from support.remarks import remark
            from verify.commands.credentials import read_credentials

            folder = (
                None if cvca is None else CvcaFolder.load(cvca, read_passphrase(passphrase_file))
            )
            passwords, _ = read_credentials(mrz, can)
            connection = stack.enter_context(connect(reader, tell=remark))
            cards = DescribedCard(
                connection,
                passwords.mrz,
                passwords.can,
                folder,
                changes=allow_changes,
                today=None if today is None else today.date(),
            )
        tell = wanted.teller(CASES)
        results = run_suite(cards, cases, without=frozenset(without), tell=tell)
    return wanted.write(SUITE, CASES, results)


def _blank_cards(path: Path, stack: ExitStack) -> "Cards":
    """Return cards in the state file of a blank virtual card, which is then as it was."""
    import secrets

    from conformance.chip.cards import PersonalisedCards, VirtualBlanks

    blanks = stack.enter_context(VirtualBlanks(path))
    return PersonalisedCards(blanks, secrets.token_bytes)
