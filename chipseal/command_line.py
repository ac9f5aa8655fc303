"""The command `chipseal`: `personalise`, `verify`, `vsmartcard` and `conformance` under one name.

Only the command that is named is imported.
"""

from importlib import import_module
from typing import Final

import click

from support.command_line import examples, run_command_line

_COMMANDS: Final = {
    "personalise": "Issue documents: PKI, data preparation, personalisation.",
    "verify": "Inspect documents, and manage the trust store.",
    "vsmartcard": "Virtual chips, and virtual PC/SC readers for them.",
    "conformance": "Conformity tests of TR-03105 for any card and any reader.",
}
"""Each command and its line of help."""

_DOCS: Final = "List the guides that are installed, or show one."

_MODULES: Final = {name: f"{name}.commands.main" for name in _COMMANDS} | {
    "conformance": "conformance.commands"
}


class _Commands(click.Group):
    """Imports a command only when it is run; the list of commands needs no import."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands: issuing, inspecting, simulating, testing."""
        return [*_COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command of this name; None if it does not exist."""
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(_MODULES[cmd_name]), cmd_name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([*_COMMANDS.items(), ("docs", _DOCS)])


@click.group(name="chipseal", cls=_Commands)
@click.version_option(package_name="chipseal")
def chipseal() -> None:
    """Issue and inspect electronic residence permits and every other eMRTD (ICAO Doc 9303).

    \b
    Each command is also installed under its own name.  Shell completion:
        eval "$(_CHIPSEAL_COMPLETE=bash_source chipseal)"     (or zsh_source, fish_source)
    """


@chipseal.command("docs", help=_DOCS, epilog=examples("chipseal docs", "chipseal docs station"))
@click.argument("name", required=False)
@click.option("--path", "only_path", is_flag=True, help="Print the path and not the text.")
def docs(name: str | None, *, only_path: bool) -> None:
    """List the guides, or show one; on a terminal, through its pager."""
    from chipseal.documentation import folder_of_guides, guide, guides, title_of

    folder = folder_of_guides()
    if name is None and not only_path:
        pages = guides(folder)
        width = max(map(len, pages))
        for stem, page in pages.items():
            click.echo(f"{stem:{width}}  {title_of(page)}")
        return
    shown = folder if name is None else guide(folder, name)
    if only_path:
        click.echo(str(shown))
    else:
        click.echo_via_pager(shown.read_text(encoding="utf-8"))


def main() -> int:
    """Run the command line and return its exit status."""
    return run_command_line(chipseal)
