"""Every kind of forgery as a case: a forged document in the reader, which must not be accepted."""

from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Final

from conformance.reader.case import Expected, Make, Presented, ReaderCase, Trial, Workshop
from conformance.reader.documents import PACE_CAM, PACE_GM, ChipKey, Document, in_years
from emrtd.crypto.ciphers import Cipher
from emrtd.lds.data_groups.dg11 import DataGroup11
from emrtd.lds.data_groups.dg12 import DataGroup12
from emrtd.lds.data_groups.dg13 import DataGroup13
from emrtd.lds.data_groups.permit import Permit
from emrtd.pki.x509.certificates import Certificate
from support.errors import ChipsealError
from vsmartcard.forging.forgery import Family, Forgery
from vsmartcard.forging.kinds import kinds
from vsmartcard.forging.victim import Victim

PREFIX: Final = "forgery/"
SEED: Final = 1

ON_FILES_ALONE: Final = frozenset({"dg16.added", "dg5.added", "sod.shorter-list"})
"""Kinds that only an image shows: at a chip, the forged file is not read.

A reader does not read a data group that EF.SOD does not list; it notices the shorter list itself
by EF.COM.
"""


def forged_cases() -> tuple[ReaderCase, ...]:
    """Return a case for each kind of forgery that is put into a reader; notes are in images."""
    return tuple(
        ReaderCase(
            f"{PREFIX}{forgery.name}",
            forgery.gain,
            trials=(Trial(_made(forgery), Expected.REFUSED, checks=(forgery.check,)),),
        )
        for forgery in kinds().values()
        if forgery.family is not Family.NOTES and forgery.name not in ON_FILES_ALONE
    )


@lru_cache(maxsize=1)
def victim(at: Workshop) -> Document:
    """Return the genuine document of the victim, which offers every protocol and has a permit."""
    chip_key = ChipKey(13, Cipher.AES128, 13)
    pace = (PACE_GM, PACE_CAM)
    day = at.at.date()
    permit = Permit(
        category="SKILLED WORKER", valid_from=day, valid_until=in_years(at.at, 2),
        stay=True, work="restricted", study=True, public_funds=False,
        remarks=("No public funds",),
    )  # fmt: skip
    return at.document(
        pace=pace,
        card_security=(*pace, *chip_key.infos()),
        chip_keys=(chip_key,),
        active_authentication="brainpoolP256r1",
        more={
            11: DataGroup11(date_of_birth="19900131").encode(),
            12: DataGroup12(date_of_issue=f"{day - timedelta(days=40):%Y%m%d}").encode(),
            13: DataGroup13.for_permit(permit).encode(),
        },
    )


def _made(forgery: Forgery) -> Make:
    def make(at: Workshop) -> Presented:
        genuine = victim(at)
        forged = forgery.forge(Victim(genuine.files, genuine.keys), at.at, SEED)
        certificates = tuple(each for each in map(_certificate, forged.trusted) if each)
        crls = tuple(each for each in forged.trusted if _certificate(each) is None)
        document = replace(
            genuine,
            files=forged.files,
            keys=forged.keys,
            page=forged.printed,
            anchors=(*genuine.anchors, *certificates),
            crls=(*genuine.crls, *crls),
        )
        return Presented(
            document, build=forged.build, at=None if forged.at == at.at else forged.at,
            poison=forged.poison,
        )  # fmt: skip

    return make


def _certificate(octets: bytes) -> Certificate | None:
    """Return the certificate of these octets, None if they are something else."""
    try:
        return Certificate.parse(octets)
    except ChipsealError:
        return None
