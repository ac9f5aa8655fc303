"""Cards of any chip profile, issued with the commands of `personalise`."""

import contextlib
import io
import json
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from emrtd.iso7816.directories import Directory
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.files import FILES, FileID
from emrtd.lds.image import LdsImage
from emrtd.mrz import Mrz
from emrtd.pki import private_key_file
from emrtd.pki.private_key_file import decrypt_private_key
from personalise.commands.main import personalise
from personalise.preparing.chip_profile import ChipProfile
from support.command_line import run_command_line
from support.errors import ExitStatus
from support.passphrase import read_passphrase
from tests.helpers import damaged, replace
from tests.personalise import applications
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.security_domain import BlankKind, TransportKeys
from vsmartcard.chip.state import ChipState


@dataclass(frozen=True)
class Agreement:
    """Key agreement, cipher and domain parameters, and for PACE the mapping GM, IM or CAM."""

    cipher: str = "AES-128"
    parameters: int = 13
    mapping: str = "GM"

    @property
    def key_agreement(self) -> str:
        """DH for the first three sets of domain parameters, ECDH for all others."""
        return "DH" if self.parameters < 3 else "ECDH"

    def label(self) -> str:
        """Return a name for a test's parameter."""
        return f"{self.mapping}-{self.cipher}-{self.parameters}"

    def toml(self, table: str) -> str:
        """Return the entry of a chip profile, in `pace` or `chip_authentication`."""
        mapping = f'mapping = "{self.mapping}"\n' if table == "pace" else ""
        return (
            f'[[{table}]]\n{mapping}key_agreement = "{self.key_agreement}"\n'
            f'cipher = "{self.cipher}"\ndomain_parameters = {self.parameters}\n'
        )


@dataclass(frozen=True)
class Kind:
    """A kind of chip that is small and quick to read, unlike the installed profiles."""

    pace: Sequence[Agreement] = (Agreement(),)
    chip_authentication: Sequence[Agreement] = ()
    active_authentication: Mapping[str, str | int] = field(default_factory=dict)
    terminal_authentication: bool = False
    bac: bool = False
    card: BlankKind = BlankKind.ISO7816_9
    can: bool = True
    data_groups: Sequence[str] = ("DG1", "DG2", "DG3", "DG13")

    def toml(self) -> str:
        """Return the chip profile."""
        text = (
            'description = "test"\ndocument = "TD1"\n'
            f"data_groups = {json.dumps(self.data_groups)}\n"
            f'bac = {str(self.bac).lower()}\ncard_profile = "{self.card.label}"\n'
            f"passwords.can = {str(self.can).lower()}\n"
        )
        text += "".join(each.toml("pace") for each in self.pace)
        text += "".join(each.toml("chip_authentication") for each in self.chip_authentication)
        if self.active_authentication:
            text += "[active_authentication]\n"
            text += "".join(
                f"{k} = {json.dumps(v)}\n" for k, v in self.active_authentication.items()
            )
        return text + ("[terminal_authentication]\n" if self.terminal_authentication else "")


@dataclass(frozen=True)
class Card:
    """A written and locked card: its state file, its image, and its CAN."""

    state: Path
    image: LdsImage
    can: str

    def with_changed_octet(self, file_id: FileID) -> Self:
        """Return the same card, after changing the last octet of a file of the application."""
        with contextlib.closing(StateFile(self.state)) as file:
            assert file.state is not None
            found = file.state.files.find((Directory.EMRTD, FILES[file_id].identifier))
            assert found is not None
            octets = damaged(found.content)
            file.save(file.state.with_changed_file(replace(found, content=octets)))
        files = self.image.files | {file_id: octets}
        return replace(self, image=replace(self.image, files=files))

    @property
    def mrz(self) -> Mrz:
        """The MRZ of DG1."""
        return DataGroup1.decode(self.image.files[FileID.DG1]).mrz


def make_blank(path: Path, card_profile: str) -> None:
    """Save a blank card of this kind, with the published test key."""
    transport = TransportKeys(BlankKind.of(card_profile))
    with contextlib.closing(StateFile(path)) as file:
        file.save(ChipState.blank(random=secrets.token_bytes, transport=transport))


@dataclass(frozen=True)
class Issuer:
    """A PKI in a folder, and the home folder of the user who owns its keys."""

    folder: Path
    state: str

    @classmethod
    def established(cls, folder: Path, state: str, key: str = "brainpoolP256r1") -> Self:
        """Return a new issuer, with a PKI whose keys are of this kind."""
        issuer = cls(folder, state)
        issuer._run(
            "pki",
            "init",
            issuer.pki,
            "--issuing-state",
            state,
            "--key",
            key,
            "--contact",
            "csca@state.example",
        )
        return issuer

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Make this issuer the user, with cheap derivation of keys from pass phrases."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_DATA_HOME", str(self.folder / "home"))
            patch.delenv("CHIPSEAL_PASSPHRASE_FILE", raising=False)
            patch.setattr(private_key_file, "_COST", 2)
            yield

    @property
    def pki(self) -> Path:
        """The folder of the PKI."""
        return self.folder / "pki"

    def issue(self, kind: Kind | str, place: Path, record: Mapping[str, Any] | None = None) -> Card:
        """Issue a card of a kind, or of an installed profile, in a folder."""
        profile = kind if isinstance(kind, str) else str(place / "profile.toml")
        if isinstance(kind, Kind):
            Path(profile).write_text(kind.toml(), encoding="utf-8")
        fields = dict(applications.CONTRACT if record is None else record)
        application = applications.folder(place / "application", fields)
        image, state = place / "image", place / "card"
        self._run("prepare", application, "--pki", self.pki, "--profile", profile, "-o", image)
        make_blank(state, ChipProfile.load(profile).card_profile)
        self._run("write", image, "--reader", f"virtual:{state}")
        passwords = json.loads(self._run("passwords", image, "--json"))
        return Card(state, LdsImage.load(image), passwords.get("can", ""))

    def inspection_system(self, place: Path) -> Path:
        """Write the inspection system's certificates, in order, and its key as plain PKCS#8."""
        place.mkdir()
        terminal = self.pki / "terminal"
        for number, name in enumerate(("dv", "is")):
            shutil.copy(terminal / f"{name}.cvcert", place / f"{number}-{name}.cvcert")
        with self.at_work():
            key = decrypt_private_key((terminal / "is.p8").read_bytes(), read_passphrase())
        (place / "key.der").write_bytes(key.to_pkcs8().reveal())
        return place

    def _run(self, *arguments: str | Path) -> str:
        output = io.StringIO()
        with self.at_work(), contextlib.redirect_stdout(output):
            status = run_command_line(personalise, [str(argument) for argument in arguments])
        assert status == ExitStatus.OK
        return output.getvalue()
