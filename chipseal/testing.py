"""Cards and readers for the tests of other people's programs; needs no pytest.

`chipseal.pytest_plugin` makes fixtures of them.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emrtd.lds.files import FileID
from emrtd.mrz import Mrz
from emrtd.specimens import Specimen
from vsmartcard.card.faults.spec import SEED, Faults, read_faults
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Layer, Watched
from vsmartcard.card.timed.layer import Timing
from vsmartcard.reader.specimens import save_trust, state_of, today
from vsmartcard.timing.clock import RealClock, VirtualClock
from vsmartcard.timing.profile import read_timing

if TYPE_CHECKING:
    from emrtd.lds.issuing_state import IssuingState
    from vsmartcard.forging.forgery import Forged, Forgery


class VirtualCard(Layer):
    """A finished card in this process, which `transmit` and a virtual reader both reach.

    `mrz` is printed on the document, and so is `can` (None if it has none).  `files` are what a
    reader should read, by their names in Doc 9303, such as "DG1" and "EF.SOD".  `trust` are the
    files with which the document can be judged: certificates and CRLs (DER).  `timing` says what
    the card has taken, if it has the times of a real one (None otherwise).
    """

    def __init__(
        self,
        card: Card,
        *,
        mrz: Mrz,
        can: str | None,
        files: Mapping[FileID, bytes],
        trust: tuple[Path, ...],
        timing: Timing | None = None,
    ) -> None:
        self._watched = Watched(card)
        super().__init__(self._watched)
        self.mrz = mrz
        self.can = can
        self.files = files
        self.trust = trust
        self.timing = timing

    @classmethod
    def of(
        cls,
        specimen: Specimen,
        trust: tuple[Path, ...] = (),
        faults: Faults | None = None,
        timing: Timing | None = None,
    ) -> "VirtualCard":
        """Return a card with a specimen, with these faults and with these times."""
        state = state_of(specimen)
        card = (faults or Faults()).card(state) if timing is None else timing.card(state, faults)
        return cls(
            card,
            mrz=specimen.mrz,
            can=specimen.can,
            files=specimen.files,
            trust=trust,
            timing=timing,
        )

    @property
    def document_number(self) -> str:
        """The document number, as it is part of the keys of BAC."""
        return self.mrz.document_number

    @property
    def date_of_birth(self) -> str:
        """The date of birth, YYMMDD."""
        return self.mrz.date_of_birth

    @property
    def date_of_expiry(self) -> str:
        """The date of expiry, YYMMDD."""
        return self.mrz.date_of_expiry

    @property
    def exchanges(self) -> list[tuple[bytes, bytes]]:
        """The commands so far and the responses to them, encoded, as they were on the wire."""
        return self._watched.exchanges

    def transmit(self, command: bytes) -> bytes:
        """Send a command and return the response, without any reader."""
        return self.process(command)


class Liar(VirtualCard):
    """A forged document, as a card; a reader must not accept it.

    `kind`, `gain` and `check` say what it is, what an attacker gains if nobody notices, and the
    check of `verify` that notices it.  `at` is the instant to judge it for; `poison` are contents
    of files (DER or LDIF) that the forger brings among those for the trust store.
    """

    def __init__(self, forgery: "Forgery", forged: "Forged", trust: tuple[Path, ...]) -> None:
        super().__init__(
            forged.card(secrets.token_bytes),
            mrz=Mrz.parse(forged.printed),
            can=None,
            files=forged.files,
            trust=trust,
        )
        self.kind = forgery.name
        self.gain = forgery.gain
        self.check = forgery.check
        self.at = forged.at
        self.poison = forged.poison


@dataclass(frozen=True)
class Pki:
    """The State that signed a specimen: all of its keys, and files for a trust store (DER)."""

    state: "IssuingState"
    csca: Path
    crl: Path


def save_pki(specimen: Specimen, folder: Path) -> Pki:
    """Write the trust anchors of a specimen's State into a folder."""
    csca, crl = save_trust(specimen, folder)
    return Pki(specimen.state, csca, crl)


def make_liar(name: str, specimen: Specimen, pki: Pki, folder: Path) -> Liar:
    """Return a forgery of this kind, of which a specimen is the victim.

    Its own trusted certificates and CRLs are written into a folder.  Raises `MisuseError` if there
    is no such kind, or if the specimen does not have what it needs.
    """
    from vsmartcard.forging.kinds import kind
    from vsmartcard.forging.victim import Victim

    forgery = kind(name)
    forged = forgery.forge(Victim(specimen.files, specimen.keys), today())
    trust = [pki.csca, pki.crl]
    for number, octets in enumerate(forged.trusted, start=1):
        trust.append(folder / f"trusted-{number}")
        trust[-1].write_bytes(octets)
    return Liar(forgery, forged, tuple(trust))


def make_card(
    specimen: Specimen,
    pki: Pki,
    faults: Iterable[str] = (),
    seed: str = SEED,
    timing: Timing | None = None,
) -> VirtualCard:
    """Return a card with a specimen, with faults as `vsmartcard insert --fault` reads them."""
    return VirtualCard.of(specimen, (pki.csca, pki.crl), read_faults(faults, seed), timing)


def make_timing(text: str, *, real: bool = False) -> Timing:
    """Return times as `vsmartcard insert --timing` reads them: virtual, or with `real` slept."""
    return Timing(*read_timing(text), RealClock() if real else VirtualClock())


def make_quirky_card(name: str, specimen: Specimen, pki: Pki, folder: Path) -> VirtualCard:
    """Return a genuine card with a quirk of real ones; its own trust anchors go into a folder.

    Raises `MisuseError` if there is no such quirk.
    """
    from vsmartcard.quirks.making import make_quirky

    quirky = make_quirky(name, specimen, today())
    trust = [pki.csca, pki.crl]
    for number, octets in enumerate(quirky.trust, start=1):
        trust.append(folder / f"trusted-{number}")
        trust[-1].write_bytes(octets)
    return VirtualCard(
        quirky.card(), mrz=quirky.mrz, can=specimen.can, files=quirky.files, trust=tuple(trust)
    )
