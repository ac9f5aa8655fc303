"""The command `chipseal`: `personalise`, `verify` and `vsmartcard` under one name.

Only the command that is named is imported.
"""

from importlib import import_module
from typing import Final

import click

from support.command_line import run_command_line

_COMMANDS: Final = {
    "personalise": "Issue documents: PKI, data preparation, personalisation.",
    "verify": "Inspect documents, and keep the trust store that this rests on.",
    "vsmartcard": "Virtual chips, and virtual PC/SC readers to put them in.",
}
"""Each command and its line of help; `NAME.commands.main` has it."""


class _Actors(click.Group):
    """Imports a command when it is run; for the list of commands its line of help is enough."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the order of a document's life."""
        return [*_COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, imported now; None where there is no such command."""
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(f"{cmd_name}.commands.main"), cmd_name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(name="chipseal", cls=_Actors)
@click.version_option(package_name="chipseal")
def chipseal() -> None:
    """Issues and inspects electronic residence permits and every other eMRTD (ICAO Doc 9303).

    \b
    Each command also stands alone under its own name.  Shell completion:
        eval "$(_CHIPSEAL_COMPLETE=bash_source chipseal)"     (or zsh_source, fish_source)
    """


def main() -> int:
    """Run the command line; the exit status."""
    return run_command_line(chipseal)
