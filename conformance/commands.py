"""The command `chipseal conformance`, and the options that its subcommands share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click

from conformance.case import Case, Result, exit_status, selected
from support.errors import ExitStatus

SUITES: Final[dict[str, str]] = {
    "chip": "Run the chip cases of TR-03105-3.2 against a card.",
    "reader": "Run the cases of TR-03105-5.1 and every forgery against a reader.",
}
"""Each suite, and its line of help; the command is `NAME` in `conformance.NAME.command`."""

_FILE: Final = click.Path(path_type=Path, dir_okay=False)


class _Suites(click.Group):
    """Imports a suite only when it is run."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(SUITES)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUITES:
            return None
        command: click.Command = getattr(import_module(f"conformance.{cmd_name}.command"), cmd_name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of suites without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUITES.items()))


@click.group(name="conformance", cls=_Suites)
def conformance() -> None:
    """Run the conformity tests of BSI TR-03105 against anyone's card or anyone's reader.

    Exit status: 0 no case failed, 1 a case failed, 64 a mistake in the command or its input, 69 no
    reader or no card, 70 an internal error.
    """


@dataclass
class Output:
    """What the shared options ask for: which cases, and where the results go."""

    wanted: tuple[str, ...]
    as_json: bool
    junit: Path | None
    page: Path | None
    _told: bool = False

    def selected(self, cases: Mapping[str, Case]) -> list[Case]:
        """Return the cases to run; raises `MisuseError` for an unknown id."""
        return selected(cases, (id_ for each in self.wanted for id_ in each.split(",")))

    def teller(self, cases: Mapping[str, Case]) -> Callable[[Result], None]:
        """Return the function that prints each result as it is known; it prints nothing as JSON."""
        from conformance.output import print_result

        if self.as_json:
            return lambda _result: None
        self._told = True
        return lambda result: print_result(cases, result)

    def write(self, suite: str, cases: Mapping[str, Case], results: list[Result]) -> ExitStatus:
        """Print and write the results, and return the exit status; raises `OSError`.

        `suite` names what was run: "TR-03105-3.2".  Results that were told are not printed again.
        """
        from conformance.output import print_results, total, write_junit, write_page

        if self.junit is not None:
            write_junit(self.junit, suite, cases, results)
        if self.page is not None:
            write_page(self.page, f"Conformance: {suite}", cases, results)
        if self._told:
            click.echo(total(results))
        else:
            print_results(cases, results, as_json=self.as_json)
        return exit_status(results)


def with_output(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that every suite has; the command gets their values as `Output(**values)`."""
    options = (
        click.option(
            "--case",
            "wanted",
            metavar="ID,…",
            multiple=True,
            help="Run only these cases; repeatable.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print a JSON array of the results."),
        click.option("--junit", type=_FILE, help="Write the results to a file as JUnit XML."),
        click.option("--page", type=_FILE, help="Write the results to a file as a page of HTML."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def with_list(cases: Callable[[], Mapping[str, Case]]) -> Callable[[Callable[..., Any]], Any]:
    """Add the option `--list`, which prints the catalogue that `cases` returns."""

    def show(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            from conformance.output import print_list

            print_list(cases())
            ctx.exit()

    return click.option(
        "--list", is_flag=True, is_eager=True, expose_value=False, callback=show,
        help="Print the cases, and run none.",
    )  # fmt: skip
