"""Master keys in an HSM: the keys of a card are derived there, with CMAC; the master key stays.

The master key is an object in the token, or wrapped under one: it is then unwrapped into the
session and cannot be read from it.
"""

from emrtd.globalplatform.keys import TEST_KEYS, MasterKeys, StaticKeys, kdf3
from personalise.pki.keys.hsm import Pkcs11Custody
from personalise.station.outcomes import StopReaderError
from support.secret import Secret


class HsmMasterKey:
    """A master key by its label, for all three static keys; satisfies `CardKeys`.

    With `wrapped`, the label is that of the AES key under which the master key is wrapped.
    """

    def __init__(
        self, custody: Pkcs11Custody, label: str, size: int, wrapped: bytes | None = None
    ) -> None:
        self._custody = custody
        self._label = label
        self._size = size
        self._wrapped = wrapped

    def for_card(self, diversification_data: bytes, key_version: int) -> StaticKeys:
        """Derive the keys of a card; raises `HsmError`.

        Raises `StopReaderError` if the master key is the published test key.
        """
        keys = StaticKeys(*(self._derive(number, diversification_data) for number in (1, 2, 3)))
        test = MasterKeys(*TEST_KEYS.in_order).for_card(diversification_data, key_version)
        if keys == test:
            raise StopReaderError(
                f"the key {self._label!r} in the HSM is the published test key, which protects no"
                " production card",
                advice="name the key of the batch, or use `--card-keys test` for sample cards",
            )
        return keys

    def _derive(self, number: int, diversification_data: bytes) -> Secret:
        return kdf3(self._cmac, number, diversification_data, self._size)

    def _cmac(self, message: bytes) -> bytes:
        return self._custody.cmac(self._label, message, self._wrapped)
