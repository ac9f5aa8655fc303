"""Options that describe a blank chip."""

from typing import Final

import click

from support.errors import MisuseError

MEMORY: Final = click.IntRange(1, 1 << 24)
kind_option = click.option(
    "--kind",
    type=click.Choice(("iso7816-9", "globalplatform", "jmrtd-applet")),
    default="iso7816-9",
    show_default=True,
    help="The set of commands that personalises a blank chip.",
)
open_option = click.option(
    "--open",
    "is_open",
    is_flag=True,
    help="Without transport keys: anyone can personalise a blank chip of the kind iso7816-9.",
)


def require_plain_kind(kind: str) -> None:
    """Raise `MisuseError` for a kind of which --open makes no chips."""
    if kind != "iso7816-9":
        raise MisuseError(f"--open is for the kind iso7816-9, not for {kind}")
