"""The cards of the table: genuine ones, of every chip profile, access protocol and quirk.

They are made from a fixed seed, so that each run of the table reads the same documents.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from chipseal.testing import VirtualCard, make_quirky_card, save_pki
from emrtd.crypto.domain_parameters import STANDARDISED
from emrtd.lds.files import FILES, FileID
from emrtd.specimens import Specimen, specimen_profiles
from personalise.preparing.chip_profile import ChipProfile
from personalise.specimen.documents import SPECIMENS
from tests.issuing import Agreement, Kind
from vsmartcard.quirks.making import quirks
from vsmartcard.reader.specimens import today

PROFILES, ACCESS = "Chip profiles", "Access protocols"
HOLDERS, QUIRKS = "Numbers, names and dates", "Quirks"
MRZ, CAN = "MRZ", "CAN"

BOTH: Final = """description = "table"
document = "TD3"
data_groups = ["DG1", "DG2", "DG3", "DG11", "DG12"]
bac = true
passwords.can = false
card_profile = "iso7816-9"
[[pace]]
mapping = "GM"
key_agreement = "ECDH"
cipher = "AES-128"
domain_parameters = 13
[[chip_authentication]]
key_agreement = "ECDH"
cipher = "AES-128"
domain_parameters = 13
[active_authentication]
algorithm = "ECDSA"
curve = "secp256r1"
hash = "SHA-256"
[terminal_authentication]
"""
"""The passport that has the quirks: it can be opened by PACE and by BAC."""
_CARD: Final = BOTH.replace("TD3", "TD1").replace('"DG12"]', '"DG12", "DG13"]')

_PACE: Final = (
    *(Agreement(cipher, 13, "GM") for cipher in ("3DES", "AES-128", "AES-192", "AES-256")),
    *(Agreement("AES-128", number, "GM") for number in (0, 1, 2, 8, 9, 10, 11, 12, 14)),
    *(Agreement("AES-256", number, "GM") for number in (15, 16, 17, 18)),
    *(Agreement("AES-128", number, "IM") for number in (0, 1, 2, 8, 9, 11, 12, 13, 15)),
    *(Agreement(cipher, 13, "IM") for cipher in ("3DES", "AES-192", "AES-256")),
    *(Agreement("AES-128", number, "CAM") for number in (10, 12, 13)),
    *(Agreement("AES-192", number, "CAM") for number in (15, 16)),
    *(Agreement("AES-256", number, "CAM") for number in (17, 18)),
)


_HOLDERS: Final = (
    ("a document number of eight characters", "TD3", (("document.number", "L898902C"),)),
    ("a document number of twelve characters", "TD1", (("document.number", "D23145890734"),)),
    ("only the year of birth is known", "TD3", (("holder.born", "1974"),)),
    ("only year and month of birth are known", "TD3", (("holder.born", "1974-08"),)),
    ("no given names", "TD3", (("holder.given_names", ""), ("holder.name_in_full", ""))),
    ("the sex is unspecified", "TD3", (("holder.sex", "X"),)),
)
"""What stands in a document, the size of the document, and the fields of its application."""


@dataclass(frozen=True)
class Row:
    """A row of the table: a card, and the password that its reader is given.

    `made` is what a specimen is made of: a chip profile, or the text of one; `changes` are fields
    of its application, as pairs.
    """

    group: str
    name: str
    made: str
    quirk: str = ""
    password: str = MRZ
    changes: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """What tells this row from the others."""
        return f"{self.name} ({self.password})"


@dataclass(frozen=True)
class Presented:
    """A card that is put before a reader: what opens it, what it is to read, whom it may trust."""

    card: VirtualCard
    secrets: tuple[str, ...]
    csca: Path

    @property
    def expected(self) -> dict[str, bytes]:
        """The files that a reader without Terminal Authentication reads whole, by their names."""
        files = self.card.files
        guarded = {FileID.DG3, FileID.DG4}
        return {
            each.removeprefix("EF."): octets
            for each, octets in files.items()
            if each in {FileID.COM, FileID.SOD}
            or (FILES[each].number is not None and each not in guarded)
        }


def rows() -> Iterator[Row]:
    """Yield the rows, in the order of the table."""
    for profile in specimen_profiles():
        yield Row(PROFILES, profile, profile)
        if _has_can(profile):
            yield Row(PROFILES, profile, profile, password=CAN)
    plain = Kind(pace=(), bac=True, can=False, data_groups=("DG1", "DG2", "DG13"))
    yield Row(ACCESS, "BAC", plain.toml())
    for pace in _PACE:
        kind = replace(plain, bac=False, pace=(pace,))
        if pace.mapping == "CAM":  # Doc 9303-11, 4.4: never alone, and with a static key
            static = (Agreement(parameters=pace.parameters),)
            general = replace(pace, mapping="GM")
            kind = replace(kind, pace=(general, pace), chip_authentication=static)
        yield Row(ACCESS, _named(pace), kind.toml())
    kind = replace(plain, bac=False, pace=(Agreement(),), can=True)
    yield Row(ACCESS, _named(Agreement()), kind.toml(), password=CAN)
    for name, document, changes in _HOLDERS:
        yield Row(HOLDERS, name, BOTH if document == "TD3" else _CARD, changes=changes)
    for quirk in quirks():
        yield Row(QUIRKS, quirk, BOTH, quirk)


def _named(pace: Agreement) -> str:
    group = STANDARDISED[pace.parameters].description
    return f"PACE-{pace.key_agreement}-{pace.mapping}, {pace.cipher}, {group}"


def _has_can(profile: str) -> bool:
    loaded = ChipProfile.load(profile)
    return loaded.passwords.can and bool(loaded.pace)


class Maker:
    """Makes the cards in a folder, where it keeps their chip profiles and trust anchors."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[str, tuple[tuple[str, str], ...]], Specimen] = {}

    def present(self, row: Row) -> Presented:
        """Make the card of a row."""
        specimen = self._specimen(row.made, row.changes)
        folder = self._folder / str(len(list(self._folder.iterdir())))
        folder.mkdir()
        pki = save_pki(specimen, folder)
        if row.quirk:
            card = make_quirky_card(row.quirk, specimen, pki, folder)
        else:
            card = VirtualCard.of(specimen, (pki.csca, pki.crl))
        mrz = card.mrz
        secrets = (mrz.document_number, mrz.date_of_birth, mrz.date_of_expiry)
        if row.password == CAN:
            assert card.can is not None
            secrets = (card.can,)
        return Presented(card, secrets, _csca(card.trust))

    def _specimen(self, made: str, changes: tuple[tuple[str, str], ...]) -> Specimen:
        key = made, changes
        if key not in self._made:
            profile = made
            if "\n" in made:
                path = self._folder / f"{len(self._made)}.toml"
                path.write_text(made, encoding="utf-8")
                profile = str(path)
            fields: dict[str, dict[str, str]] = {}
            for name, value in changes:
                part, _, field = name.partition(".")
                fields.setdefault(part, {})[field] = value
            self._made[key] = SPECIMENS.make(profile, today(), "utopia", changes=fields)
        return self._made[key]


def _csca(trust: tuple[Path, ...]) -> Path:
    """Return the certificate of the CSCA that signed the document: that of a quirk, if there is."""
    return trust[2] if len(trust) > 2 else trust[0]
