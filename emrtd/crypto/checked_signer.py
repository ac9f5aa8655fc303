"""A signer whose every signature is verified before anybody sees it."""

import msgspec

from emrtd.crypto.signatures import PublicKey, SignatureScheme, Signer, verify
from emrtd.errors import ProtocolError


class CheckedSigner(msgspec.Struct, frozen=True):
    """Wraps a `Signer`, and returns only signatures that verify with its public key.

    An HSM, its driver or a service can answer octets that are no signature, or a signature by
    another key.  Everything that an issuer publishes is signed through this.  `name` names the key
    in errors.
    """

    signer: Signer
    name: str

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self.signer.public_key

    def sign(self, scheme: SignatureScheme, message: bytes) -> bytes:
        """Sign a message and verify the signature; ECDSA signatures are DER.

        Raises `ProtocolError` if the signature does not verify, `MisuseError` for a scheme that
        this key cannot make.
        """
        signature = self.signer.sign(scheme, message)
        try:
            verify(self.public_key, scheme, signature, message)
        except ProtocolError as error:
            raise ProtocolError(
                f"the new {scheme.description} signature of the key {self.name!r} does not verify"
                f" with its public key ({error}); it is not used",
                advice="check the HSM or the file that holds the key",
            ) from None
        return signature
