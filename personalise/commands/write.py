"""The commands `personalise write` and `passwords`: from an image to a card, and to its letter.

What a command needs is imported when it runs, and not before.
"""

from pathlib import Path

import click

from personalise.commands.pki_options import passphrase_file
from support.command_line import examples, remark

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PATH = click.Path(path_type=Path)

_station_key = click.option(
    "--station-key",
    type=_FILE,
    help="The station's private key (PKCS#8, encrypted).  Otherwise it is found among your own.",
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
    help="PC/SC reader (part of its name), virtual:FILE or feeder:DIR.  [default: the only one]",
)
@_station_key
@passphrase_file
@_as_json
def write(
    image: Path,
    reader: str,
    station_key: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Write the LDS image IMAGE to the card in a reader, read all of it back, and lock the card.

    The image says which kind of card it is for.  A card that was pulled out, or lost its power,
    is finished when the same image is written to it again; it never takes another.  A virtual card
    that does not exist is made as a blank one.
    """
    from emrtd.transport.connection import Tray
    from emrtd.transport.readers import connect
    from emrtd.transport.trace import MeteredConnection
    from personalise.station.one_card import write_image
    from personalise.station.outcomes import RejectCardError
    from personalise.station.sealed_image import SealedImage
    from personalise.station.showing import print_report, progress_line

    sealed = SealedImage.open(image, passphrase_file, station_key)
    card = connect(reader, blank=True, tell=remark)
    with MeteredConnection(card) as connection, progress_line() as progress:
        try:
            report = write_image(sealed.files, sealed.order, connection, progress)
        except RejectCardError:
            connection.eject(Tray.REJECTED)
            raise
        connection.eject(Tray.DONE)
    print_report(report, connection, as_json=as_json)


@click.command(epilog=examples("personalise passwords images/0001 --json"))
@click.argument("image", type=_PATH)
@_station_key
@passphrase_file
@_as_json
def passwords(
    image: Path, station_key: Path | None, passphrase_file: Path | None, as_json: bool
) -> None:
    """Print what opens the chip: the MRZ, and the CAN and PIN where it has them.

    For whatever prints the card and the holder's letter.  They are secrets: mind where they go.
    """
    from personalise.station.sealed_image import SealedImage
    from personalise.station.showing import print_passwords

    print_passwords(SealedImage.open(image, passphrase_file, station_key), as_json=as_json)
