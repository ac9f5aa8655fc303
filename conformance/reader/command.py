"""The command `chipseal conformance reader`."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click
from click.core import ParameterSource

from conformance.case import Result
from conformance.commands import Output, with_list, with_output
from support.command_line import examples
from support.errors import ExitStatus, MisuseError


def _catalogue() -> Any:
    from conformance.reader.catalogue import cases

    return cases()


def _progress(count: int) -> Callable[[Result], None]:
    """Return what shows on a terminal how far a long run is; elsewhere nothing."""
    done = 0

    def tell(result: Result) -> None:
        nonlocal done
        done += 1
        if sys.stderr.isatty():
            click.echo(f"{done} of {count}: {result.id} {result.outcome}", err=True)

    return tell


@click.command(
    epilog=examples(
        "chipseal conformance reader --junit results.xml",
        "chipseal conformance reader --case LDS_H_37 --command './reader {reader} {mrz} {trust}'",
    )
)
@click.option(
    "--command",
    "text",
    metavar="COMMAND",
    help="The reader to test: a program and its arguments, in which {reader} is the name of the"
    " PC/SC reader, {mrz} the printed MRZ, {can} the CAN, {trust} a folder with the certificates"
    " and CRLs to trust, and {terminal} one with certificates and a key for Terminal"
    " Authentication.  No shell is started.  [default: our verifier]",
)
@click.option(
    "--accept-status",
    type=click.IntRange(0, 255),
    default=0,
    show_default=True,
    help="The exit status with which the command accepts a document.",
)
@click.option(
    "--accept-pattern",
    metavar="REGEX",
    help="The command accepts a document if this is found in its output, whatever its exit status.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 3600),
    default=60.0,
    show_default=True,
    help="Seconds that the command has for each card.",
)
@with_list(_catalogue)
@with_output
def reader(
    *,
    text: str | None,
    accept_status: int,
    accept_pattern: str | None,
    timeout: float,
    **output: Any,
) -> ExitStatus:
    """Run the inspection-system cases of TR-03105-5.1, and every forgery, against a reader.

    Each case puts cards into a reader and says which of them must be accepted.  The reader is our
    verifier, or with --command any program that reads a card over PC/SC: the cards are in a virtual
    reader of a pcscd, which is started if none runs.  A command that a signal ends, or that does
    not end in time, has failed.
    """
    from conformance.reader.case import Workshop
    from conformance.reader.catalogue import SUITE, cases
    from conformance.reader.own import OurVerifier
    from conformance.reader.suite import Suite

    wanted = Output(**output)
    all_cases = cases()
    selected = [all_cases[each.id] for each in wanted.selected(all_cases)]
    workshop = Workshop(datetime.now(UTC).replace(microsecond=0))
    if text is None:
        _require_no_options_of_a_command()
        from emrtd.biometrics.images.decoder import DECODER

        DECODER.fork()
        results = Suite(workshop, OurVerifier(workshop)).run(selected)
    else:
        from conformance.reader.foreign import Command, ForeignReader
        from vsmartcard.reader.threaded import virtual_reader

        command = Command.parse(
            text, accept_status=accept_status, accept_pattern=accept_pattern, timeout=timeout
        )
        with virtual_reader() as threaded:
            results = Suite(workshop, ForeignReader(command, threaded)).run(
                selected, _progress(len(selected))
            )
    return wanted.write(SUITE, all_cases, results)


def _require_no_options_of_a_command() -> None:
    """Refuse options that say how a command accepts: our verifier would pass in its place."""
    context = click.get_current_context()
    for name in ("accept_status", "accept_pattern", "timeout"):
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            option = name.replace("_", "-")
            raise MisuseError(
                f"--{option} is for a reader of your own", advice="name its program with --command"
            )
