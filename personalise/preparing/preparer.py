"""Preparing many documents in one process, of which only the first one is slow."""

import secrets
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Self

from emrtd.iso7816.procedure import Random
from emrtd.lds.files import FileID
from emrtd.lds.image import LdsImage
from personalise.issuance import Issuer
from personalise.preparing.application import Application
from personalise.preparing.chip_profile import ChipProfile
from personalise.preparing.data_preparation import prepare


def decided_before(sod: bytes) -> None:
    """Accept samples whose quality was decided when the application was received."""


class Preparer:
    """Makes the images of any number of documents with one issuer.

    Open one for each process, and use it in one thread:

        DECODER.fork()  # emrtd.biometrics.images.decoder: before any secret is read
        pki = IssuingPki.open(folder, passphrase)
        with Preparer(PkiIssuer(pki)) as preparer:
            for application in applications:
                image = preparer.prepare(application, "permit", datetime.now(UTC))

    What is the same for all documents is done for the first one: the Document Signer's key is
    decrypted, chip profiles are read, plug-ins are searched for, the decoding process is started.
    Every image is still decoded by a child of its own limits, and a hostile one spoils no more
    than its own application.  The memory does not grow with the number of documents.

    `random` returns so many random octets, for keys and passwords of chips.
    """

    def __init__(self, issuer: Issuer, random: Random = secrets.token_bytes) -> None:
        self._issuer = issuer
        self._random = random
        self._profiles: dict[str, ChipProfile] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def prepare(
        self,
        application: Application,
        profile: ChipProfile | str,
        at: datetime,
        *,
        accept_quality: Callable[[bytes], object] | None = None,
    ) -> LdsImage:
        """Return the image of a document, signed and registered; `at` is the time of signing.

        `profile` is a chip profile, or the name or file of one, which is read once.  Samples below
        a mandatory limit are accepted if `accept_quality` is given; it is called with EF.SOD
        before the document is registered, to enter an operator's reason in the audit log
        (`decided_before` enters none).

        Raises `FieldError` for a field of the application that is wrong or does not suit the
        profile: nothing was registered, and the next document can be prepared.  Raises
        `MisuseError` for what the issuer cannot do (a revoked Document Signer, one that has
        reached its limit, a clock that is behind), which concerns every document.
        """
        document = application.particulars.document
        issuance = self._issuer.issuance(document.code, document.number, at)
        image = prepare(
            application,
            self._profile(profile),
            issuance,
            at,
            self._random,
            accept_quality=accept_quality is not None,
        )
        sod = image.files[FileID.SOD]
        if accept_quality is not None:
            accept_quality(sod)
        self._issuer.register(issuance.signer.certificate, at, sod, document.number)
        return image

    def close(self) -> None:
        """Close the issuer's register."""
        self._issuer.close()

    def _profile(self, profile: ChipProfile | str) -> ChipProfile:
        if isinstance(profile, ChipProfile):
            return profile
        if profile not in self._profiles:
            self._profiles[profile] = ChipProfile.load(profile)
        return self._profiles[profile]
