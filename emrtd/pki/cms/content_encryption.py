"""AES as CMS encrypts content with it: CBC (RFC 3565) and GCM (RFC 5084)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_algorithm, read_integer
from emrtd.errors import ProtocolError
from support.errors import MalformedError
from support.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import AEADDecryptionContext, CipherContext

_AES: Final = "2.16.840.1.101.3.4.1"
CBC: Final = {f"{_AES}.2": 16, f"{_AES}.22": 24, f"{_AES}.42": 32}
"""AES in CBC mode: the size of the key in octets, by object identifier."""
GCM: Final = {f"{_AES}.6": 16, f"{_AES}.26": 24, f"{_AES}.46": 32}
"""The same for GCM."""
AES_256_GCM: Final = f"{_AES}.46"

TAG_SIZE: Final = 16
_DEFAULT_TAG_SIZE: Final = 12  # RFC 5084, 3.2: aes-ICVlen
_BLOCK: Final = 16

USE_AES: Final = (
    "encrypt it with AES of 128, 192 or 256 bits, in GCM or CBC mode: `openssl cms` with"
    " -aes-256-gcm"
)
"""The advice for another cipher, such as 3DES, OpenSSL's choice if none is named."""

_NOT_OPENED: Final = "the envelope is for another key, or was altered"
"""Whatever was wrong: an error that tells more would help to decrypt (RFC 3218, 2.3.2)."""


class NotOpenedError(ProtocolError):
    """An envelope does not open: it is for another key, or was altered."""

    def __init__(self) -> None:
        super().__init__(_NOT_OPENED)


@dataclass(frozen=True, slots=True)
class ContentCipher:
    """AES with a key of `key_size` octets; `tag_size` is None for CBC, which authenticates nothing.

    `start` is the nonce of GCM, or the initialisation vector of CBC.
    """

    key_size: int
    start: bytes = field(repr=False)
    tag_size: int | None

    @classmethod
    def read(cls, value: ber.Value) -> "ContentCipher":
        """Read a ContentEncryptionAlgorithmIdentifier; raises `MalformedError`."""
        algorithm = read_algorithm(value)
        parameters = algorithm.parameters
        if algorithm.oid in CBC and parameters is not None:
            vector = parameters.expect(der.OCTET_STRING).contents
            if len(vector) != _BLOCK:
                raise parameters.malformed(f"an initialisation vector of {len(vector)} octets")
            return cls(CBC[algorithm.oid], vector, None)
        if algorithm.oid in GCM and parameters is not None:
            fields = parameters.expect(der.SEQUENCE).children
            if not 1 <= len(fields) <= 2:
                raise parameters.malformed("is not GCMParameters")
            nonce = fields[0].expect(der.OCTET_STRING).contents
            size = read_integer(fields[1]) if len(fields) == 2 else _DEFAULT_TAG_SIZE
            if not 8 <= len(nonce) <= 128 or not _DEFAULT_TAG_SIZE <= size <= TAG_SIZE:
                raise parameters.malformed("a nonce or a tag of a size that is not read")
            return cls(GCM[algorithm.oid], nonce, size)
        raise MalformedError(
            value.what,
            f"its content is encrypted with {algorithm.oid}",
            advice=USE_AES,
        )

    def decrypt(
        self, parts: Iterable[bytes], key: Secret, mac: bytes | None, attributes: bytes
    ) -> Iterator[bytes]:
        """Yield the content in parts; `NotOpenedError` follows them if it is not authentic.

        So the parts may be used only after the last one was yielded.  `mac` and `attributes`
        belong to GCM: the tag, and the authenticated attributes as they are authenticated.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives import padding
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        if len(key) != self.key_size:
            raise NotOpenedError
        aes = algorithms.AES(key.reveal())
        decryptor: CipherContext
        if mac is not None:
            gcm = modes.GCM(self.start, mac, min_tag_length=_DEFAULT_TAG_SIZE)
            authenticated: AEADDecryptionContext = Cipher(aes, gcm).decryptor()
            authenticated.authenticate_additional_data(attributes)
            try:
                yield from map(authenticated.update, parts)
                yield authenticated.finalize()
            except (InvalidTag, ValueError):
                raise NotOpenedError from None
            return
        decryptor = Cipher(aes, modes.CBC(self.start)).decryptor()
        unpadder = padding.PKCS7(8 * _BLOCK).unpadder()
        try:
            for part in parts:
                yield unpadder.update(decryptor.update(part))
            yield unpadder.update(decryptor.finalize()) + unpadder.finalize()
        except ValueError:
            raise NotOpenedError from None
