"""The commands `personalise write` and `passwords`: an image's card, and the passwords for it.

Each command imports what it needs when it runs, so that `--help` stays fast.
"""

from datetime import UTC, datetime
from pathlib import Path

import click

from personalise.commands.pki_options import card_keys, passphrase_file, pin_file
from support.command_line import examples, timing_option, trace_option
from support.errors import MisuseError
from support.remarks import remark, write_trace

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PATH = click.Path(path_type=Path)

_station_key = click.option(
    "--station-key",
    type=_FILE,
    help="The station's private key (PKCS#8, encrypted).  [default: the matching key in your own"
    " data folder]",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.command(
    epilog=examples(
        "personalise write images/0001",
        "personalise write images/0001 --reader virtual:card.chip --json",
    )
)
@click.argument("image", type=_PATH)
@click.option(
    "--reader",
    default="",
    help="PC/SC reader (part of its name), virtual:FILE, timed:PROFILE:FILE or feeder:DIR."
    "  [default: the only one]",
)
@card_keys
@_station_key
@passphrase_file
@pin_file
@trace_option
@timing_option
@_as_json
def write(
    *,
    image: Path,
    reader: str,
    card_keys: str,
    station_key: Path | None,
    passphrase_file: Path | None,
    pin_file: Path | None,
    trace: bool,
    timing: bool,
    as_json: bool,
) -> None:
    """Write the LDS image IMAGE to the card in a reader, read all of it back, and lock the card.

    No ledger counts the card; `personalise station` makes cards that are counted.  An image of a
    PKI that wants every card counted is refused.  The image names the kind of card that it is for.
    If the card is pulled out or loses power, write the same image to it again to finish it; no
    other image can be written to it.  A virtual card whose file does not exist is created blank.
    """
    from emrtd.transport.connection import Tray
    from emrtd.transport.readers import connect
    from emrtd.transport.timing import TimedConnection, table
    from emrtd.transport.trace import MeteredConnection
    from personalise.commands.pki_options import pin_from
    from personalise.pki.keys.station import StationKeys
    from personalise.station.clock import require_clock
    from personalise.station.key_sources.configuration import key_source
    from personalise.station.one_card import write_image
    from personalise.station.outcomes import RejectCardError
    from personalise.station.phases import WritingPhases
    from personalise.station.sealed_image import SealedImage
    from personalise.station.showing import print_report, progress_line
    from support.passphrase import read_passphrase

    sealed = SealedImage.open(image, passphrase_file, station_key)
    if sealed.order.counted:
        raise MisuseError(
            f"{image}: its PKI wants every card counted (pki.json: ledger.uncounted)",
            advice="make the card with `personalise station`",
        )
    station = StationKeys(read_passphrase(passphrase_file), station_key)
    keys = key_source(card_keys, station, pin_from(pin_file))
    require_clock(sealed.files, datetime.now(UTC))
    card = connect(reader, blank=True, tell=remark)
    phases = WritingPhases()
    written = write_trace if trace else None
    timed = TimedConnection(card, phases.timing)
    with MeteredConnection(timed, written) as connection, progress_line() as progress:
        try:
            report = write_image(
                sealed.files,
                sealed.order,
                connection,
                progress,
                keys,
                milestones=phases.milestones,
            )
        except RejectCardError:
            connection.eject(Tray.REJECTED)
            raise
        connection.eject(Tray.DONE)
    found = phases.timing.finish()
    print_report(report, connection, as_json=as_json)
    if timing:
        for line in table(found):
            write_trace(line)
    remark("no ledger counts this card; `personalise station` makes cards that are counted")


@click.command(epilog=examples("personalise passwords images/0001 --json"))
@click.argument("image", type=_PATH)
@_station_key
@passphrase_file
@_as_json
def passwords(
    image: Path, station_key: Path | None, passphrase_file: Path | None, as_json: bool
) -> None:
    """Print the passwords of the chip: the MRZ, and the CAN, PIN and PUK if the chip has them.

    The output is for the systems that print the card and the letter to the holder.  It is secret:
    do not log it.
    """
    from personalise.station.sealed_image import SealedImage
    from personalise.station.showing import print_passwords

    print_passwords(SealedImage.open(image, passphrase_file, station_key), as_json=as_json)
