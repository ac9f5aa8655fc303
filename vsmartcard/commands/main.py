"""The command `vsmartcard`.  Each subcommand imports what it needs when it runs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from support.command_line import examples, run_command_line
from vsmartcard.commands.blank_options import (
    MEMORY,
    kind_option,
    open_option,
    require_plain_kind,
)
from vsmartcard.commands.forging import forge
from vsmartcard.commands.insert import insert

if TYPE_CHECKING:
    from vsmartcard.reader.readers import VirtualReader


@click.group(name="vsmartcard")
@click.version_option(package_name="chipseal")
def vsmartcard() -> None:
    """A virtual eMRTD chip, and virtual PC/SC readers for it.

    Exit status: 0 done, 64 a mistake in the command or its input, 69 no reader or no card,
    70 an internal error.
    """


vsmartcard.add_command(insert)
vsmartcard.add_command(forge)


@vsmartcard.command(epilog=examples("vsmartcard blank feeder -n 100"))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "-n",
    "--number",
    "count",
    type=click.IntRange(1, 100_000),
    required=True,
    help="How many cards.",
)
@click.option("--memory", type=MEMORY, help="Octets of memory of each card.  [default: 262144]")
@kind_option
@click.option(
    "--master-key",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="File with the master key of the cards' transport keys, in hexadecimal: 16, 24 or 32"
    " octets.  [default: the published test key, not diversified]",
)
@click.option(
    "--key-version",
    type=click.IntRange(1, 0x7F),
    default=1,
    show_default=True,
    help="The key version of transport keys from --master-key.",
)
@click.option(
    "--scp03",
    "parameter_i",
    metavar="HEX",
    default="70",
    show_default=True,
    help="Parameter i of SCP03: 01 for S16, 10 for pseudo-random challenges, 20 for R-MAC, 40 for"
    " R-ENCRYPTION.",
)
@click.option(
    "--tries",
    type=click.IntRange(1, 255),
    default=10,
    show_default=True,
    help="Failed authentications in a row that lock a card.",
)
@click.option(
    "--counter-behind",
    is_flag=True,
    help="The encryption counter of SCP03 does not count commands without data.",
)
@open_option
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print an array of objects with file, serial_number and kind.",
)
def blank(
    *,
    folder: Path,
    count: int,
    memory: int | None,
    kind: str,
    master_key: Path | None,
    key_version: int,
    parameter_i: str,
    tries: int,
    counter_behind: bool,
    is_open: bool,
    as_json: bool,
) -> None:
    """Make blank virtual cards in DIR: 0001.chip, 0002.chip, and so on.

    Prints the file and the serial number of each card.  The numbers continue after the highest
    one in DIR and in the trays `done` and `rejected` of `--reader feeder:DIR`.

    With --master-key, the transport keys of each card follow from the master key and the card's
    serial number.  The file of a virtual card holds its keys in clear: use no real master key.
    """
    from dataclasses import replace

    from vsmartcard.chip.security_domain import BlankKind, TransportKeys
    from vsmartcard.chip.state import Hardware
    from vsmartcard.reader.blanks import make_blanks, read_master_key, read_variant

    hardware = None if memory is None else Hardware(memory=memory)
    if is_open:
        require_plain_kind(kind)
    transport = TransportKeys(
        BlankKind.of(kind),
        variant=read_variant(parameter_i),
        retry_limit=tries,
        counts_empty_commands=not counter_behind,
    )
    if master_key is not None:
        keys = read_master_key(master_key)
        transport = replace(transport, keys=keys, key_version=key_version)
    blanks = make_blanks(folder, count, hardware=hardware, transport=None if is_open else transport)
    made = []
    for path, serial_number in blanks:
        printed = serial_number.hex().upper()
        made.append({"file": str(path), "serial_number": printed, "kind": kind})
        if not as_json:
            click.echo(f"{path}\t{printed}")
    if as_json:
        click.echo(json.dumps(made))


@vsmartcard.group()
def readers() -> None:
    """Virtual PC/SC readers."""


@readers.command(epilog=examples("vsmartcard readers up -n 4"))
@click.option(
    "-n",
    "count",
    type=click.IntRange(1, 16),
    default=2,
    show_default=True,
    help="How many readers.  vpcd makes them in pairs, and cannot make one alone: for an odd number"
    " there is one more, which is named and stays empty.",
)
@click.option(
    "--first-port",
    type=click.IntRange(1, 65535),
    help="Port of the first reader.  [default: 35963]",
)
def up(count: int, first_port: int | None) -> None:
    """Start a pcscd with virtual readers, unless a pcscd with enough of them already runs."""
    from vsmartcard.reader.readers import WARNING
    from vsmartcard.reader.readers import up as start
    from vsmartcard.reader.vpcd import BASE_PORT

    found = start(count, BASE_PORT if first_port is None else first_port)
    click.echo(f"warning: {WARNING}", err=True)
    _show(found[:count])
    for reader in found[count:]:
        click.echo(
            f"{reader.name}, port {reader.port}, is there too; vpcd makes readers in pairs",
            err=True,
        )


@readers.command(epilog=examples("vsmartcard readers down"))
@click.option("--force", is_flag=True, help="Stop it even while a card is in one of its readers.")
def down(force: bool) -> None:
    """Stop the pcscd that `readers up` started, and no other."""
    from vsmartcard.reader.readers import down as stop

    stopped = stop(force=force)
    click.echo(
        "stopped" if stopped else "no pcscd of `readers up` is running: nothing to stop", err=True
    )


@readers.command("list", epilog=examples("vsmartcard readers list --json"))
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print an array of objects with name, port and occupied.",
)
def list_readers(as_json: bool) -> None:
    """List the virtual readers: name, port, and whether each holds a card."""
    from dataclasses import asdict

    from vsmartcard.reader.readers import listed

    found = listed()
    if as_json:
        click.echo(json.dumps([asdict(reader) for reader in found]))
        return
    _show(found)
    if not found:
        click.echo("no virtual readers; start some with `vsmartcard readers up`", err=True)


def _show(found: "tuple[VirtualReader, ...]") -> None:
    for reader in found:
        click.echo(f"{reader.name}\tport {reader.port}\t{'card' if reader.occupied else 'empty'}")


def main() -> int:
    """Run the command line and return the exit status."""
    return run_command_line(vsmartcard)
