"""An image at the station: its files, and the order that was sealed with it."""

from dataclasses import dataclass, field
from pathlib import Path

from emrtd.lds.files import FileID
from emrtd.lds.image import CHIP_KEYS_NAME, LdsImage
from personalise.pki.keys.station import open_at_station
from personalise.preparing.station_order import StationOrder
from support.errors import MisuseError
from support.files import decoding
from support.passphrase import read_passphrase


@dataclass(frozen=True)
class SealedImage:
    """An image that data preparation made, opened with the station's key."""

    files: dict[FileID, bytes] = field(repr=False)
    order: StationOrder = field(repr=False)

    @classmethod
    def open(
        cls, path: Path, passphrase_file: Path | None = None, station_key: Path | None = None
    ) -> "SealedImage":
        """Load the image, and open its order.

        The key is in the file `station_key`, or is found among the user's own; the first line of
        `passphrase_file` is its pass phrase, otherwise the user's.  Raises `MisuseError` for an
        image that has no order or a key that does not open it, `MalformedError` for what is none.
        """
        image = LdsImage.load(path)
        if image.chip_keys is None:
            raise MisuseError(
                f"{path}: holds no {CHIP_KEYS_NAME}",
                advice="only what `personalise prepare` made can be written",
            )
        passphrase = read_passphrase(passphrase_file)
        order = open_at_station(image.chip_keys, passphrase, station_key)
        with decoding(path / CHIP_KEYS_NAME):
            return cls(image.files, StationOrder.decode(order.reveal()))
