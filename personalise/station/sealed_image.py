"""An image at the station: its files, and the decrypted order to the station."""

from dataclasses import dataclass, field
from pathlib import Path

from emrtd.lds.files import FileID
from emrtd.lds.image import CHIP_KEYS_NAME, LdsImage
from personalise.pki.keys.station import StationKeys
from personalise.preparing.station_order import StationOrder
from support.errors import MisuseError
from support.files import decoding
from support.passphrase import read_passphrase


@dataclass(frozen=True)
class SealedImage:
    """An image from data preparation, with its order decrypted with the station's key."""

    files: dict[FileID, bytes] = field(repr=False)
    order: StationOrder = field(repr=False)

    @classmethod
    def open(
        cls, path: Path, passphrase_file: Path | None = None, station_key: Path | None = None
    ) -> "SealedImage":
        """Load the image in the folder `path`, and decrypt its order.

        The station's key is in the file `station_key`, or else in the user's own data folder.  Its
        pass phrase is the first line of `passphrase_file`, or else the user's own.  Raises
        `MisuseError` for an image without an order or a key that does not decrypt it,
        `MalformedError` for a folder or an order that cannot be decoded.
        """
        keys = StationKeys(read_passphrase(passphrase_file), station_key)
        return cls.unseal(LdsImage.load(path), keys, path)

    @classmethod
    def unseal(cls, image: LdsImage, keys: StationKeys, path: Path) -> "SealedImage":
        """Decrypt the order of an image; raises as `open` does.  Errors name `path`."""
        if image.chip_keys is None:
            raise MisuseError(
                f"{path}: holds no {CHIP_KEYS_NAME}",
                advice="write an image that `personalise prepare` made",
            )
        try:
            order = keys.open(image.chip_keys)
        except MisuseError as error:
            where = path / CHIP_KEYS_NAME
            raise MisuseError(f"{where}: {error.message}", advice=error.advice) from error
        with decoding(path / CHIP_KEYS_NAME):
            return cls(image.files, StationOrder.decode(order.reveal()))
