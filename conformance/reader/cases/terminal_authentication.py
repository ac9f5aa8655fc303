"""Units ISO7816_E and LDS_G: Terminal Authentication, and EF.CVCA."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from msgspec.structs import replace as change

from conformance.reader.case import Make, Presented, Unit, Workshop
from conformance.reader.chips import damaged, doing
from conformance.reader.documents import PACE_GM, ChipKey, Document, face
from conformance.reader.terminals import YEAR, Chain, Holder, certify, chain
from emrtd import tlv
from emrtd.biometrics.samples import Eye, IrisImage
from emrtd.crypto.ciphers import Cipher
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.directories import Directory
from emrtd.lds.cvca import Cvca
from emrtd.lds.data_groups.dg3 import DataGroup3
from emrtd.lds.data_groups.dg4 import DataGroup4
from emrtd.lds.data_groups.dg11 import DataGroup11
from emrtd.lds.data_groups.dg12 import DataGroup12
from emrtd.lds.files import FileID
from emrtd.lds.security.security_infos import SecurityInfo, TerminalAuthenticationInfo
from emrtd.pki.cvc.authorization import ALL_RIGHTS, Right, Role
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.cvc.keys import SCHEMES
from support.secret import Secret
from vsmartcard.card.layers import Answering
from vsmartcard.chip.commands import CarryOut
from vsmartcard.chip.files.file_system import TransparentFile
from vsmartcard.chip.session import Core

UNIT: Final = Unit(needs_terminal=True)
PROOF: Final = "terminal.authentication"
RSA: Final = "0.4.0.127.0.7.2.2.2.1."
ECDSA: Final = "0.4.0.127.0.7.2.2.2.2."


def dg3() -> bytes:
    """Return a DG3 without a finger."""
    return DataGroup3.of([]).encode()


def dg4() -> bytes:
    """Return a DG4 with an iris."""
    return DataGroup4.of([IrisImage.of(face(), Eye.LEFT)]).encode()


def protected(at: Workshop, root: Holder, **changes: object) -> Document:
    """Return a document of the configuration EAC, whose chip trusts a CVCA from today on.

    `cvca` is the content of EF.CVCA, `today` the date that the chip knows; other changes are those
    of `Issue`.
    """
    cvca = changes.pop("cvca", None) or Cvca((root.reference,)).encode()
    today = changes.pop("today", at.at.date())
    usual = {
        "chip_keys": (ChipKey(12, Cipher.TDES),),
        "terminal_authentication": True,
        "more": {3: dg3(), 4: dg4()},
    }
    made = at.document(**(usual | changes))
    number = made.page[44:54]
    made = made.with_keys(
        trust_points=(root.certificate.encode(),),
        current_date=today,
        document_identifier=Secret(number.encode()),
    )
    if not isinstance(cvca, bytes):
        raise TypeError("the content of EF.CVCA is octets")
    return made.with_file(FileID.CVCA, cvca)


def usual(at: Workshop) -> Chain:
    """Return the chain of an inspection system that may read DG3 and DG4."""
    return chain(at.at.date())


def _unread(rights: Right) -> frozenset[FileID]:
    closed = {FileID.DG3: Right.READ_DG3, FileID.DG4: Right.READ_DG4}
    return frozenset(file_id for file_id, right in closed.items() if right not in rights)


# --- algorithms ----------------------------------------------------------------------------------


def _of_scheme(oid: str) -> Make:
    def make(at: Workshop) -> Presented:
        own = chain(at.at.date(), SCHEMES[oid], bits=1280)  # enough for RSA-PSS with SHA-512
        return Presented(protected(at, own.root), terminal=own.credentials())

    return make


for _id, _oid in (
    ("01", RSA + "1"), ("02", RSA + "2"), ("03", RSA + "3"), ("04", RSA + "4"),
    ("05", ECDSA + "1"), ("06", ECDSA + "2"), ("07", ECDSA + "3"),
    ("35", RSA + "5"), ("36", RSA + "6"), ("37", ECDSA + "4"), ("38", ECDSA + "5"),
):  # fmt: skip
    UNIT.good(f"ISO7816_E_{_id}")(_of_scheme(_oid))


@UNIT.good("ISO7816_E_27")
def _with_small_keys(at: Workshop) -> Presented:
    own = chain(at.at.date(), SCHEMES[RSA + "2"])
    return Presented(
        protected(at, own.root, chip_keys=(ChipKey(2, Cipher.TDES),)), terminal=own.credentials()
    )


def _with(**changes: object) -> Make:
    """The usual terminal before a document with these changes."""
    return lambda at: Presented(
        protected(at, usual(at).root, **changes), terminal=usual(at).credentials()
    )


UNIT.good("ISO7816_E_28")(_with(chip_keys=(ChipKey(10, Cipher.TDES),)))
UNIT.good("ISO7816_E_31")(_with(pace=(PACE_GM,), basic_access_control=False))


def _with_groups(*numbers: int) -> Make:
    """Data groups beside DG1, DG2 and DG14."""

    def make(at: Workshop) -> Presented:
        contents = {
            3: dg3(),
            4: dg4(),
            11: DataGroup11(personal_number="4711").encode(),
            12: DataGroup12(issuing_authority="UTOPIA").encode(),
        }
        return _with(more={number: contents[number] for number in numbers})(at)

    return make


UNIT.good("ISO7816_E_26")(_with_groups(3, 4, 11, 12))
UNIT.good("ISO7816_E_29")(_with_groups(3))
UNIT.good("ISO7816_E_30")(_with_groups(4))


# --- the file of trust points --------------------------------------------------------------------

UNIT.bad("ISO7816_E_08", PROOF)(_with(cvca=Cvca(("UTCVCA00002",)).encode()))
UNIT.bad("ISO7816_E_09", PROOF)(_with(cvca=bytes(36)))
UNIT.bad("ISO7816_E_09", PROOF, label="empty")(_with(cvca=b"\x42".ljust(36, b"\x00")))
UNIT.either("ISO7816_E_10")(
    _with(
        cvca=b"".join(tlv.encode(0x42, f"UTCV0000{number}".encode()) for number in (1, 2, 3)).ljust(
            36, b"\x00"
        )
    )
)
UNIT.bad("LDS_G_01", PROOF)(_with(cvca=b"\x00" + Cvca(("UTCVCA00001",)).encode()[1:]))
UNIT.bad("LDS_G_02", PROOF)(_with(cvca=bytes(36)))


def _elsewhere(info: TerminalAuthenticationInfo, identifier: int, short: int | None) -> Make:
    """DG14 says where EF.CVCA is, and the chip has it at this identifier."""

    def make(at: Workshop) -> Presented:
        chip_key = ChipKey(12, Cipher.TDES)
        infos: tuple[SecurityInfo, ...] = (*chip_key.infos(), info)
        root = usual(at).root
        made = protected(at, root, infos=infos, chip_keys=(chip_key,)).with_file(FileID.CVCA, None)
        content = Cvca((root.reference,)).encode()
        file = TransparentFile(Directory.EMRTD, identifier, short, content)
        return Presented(made, terminal=usual(at).credentials(), files=(file,))

    return make


UNIT.bad("ISO7816_E_22", PROOF)(_elsewhere(TerminalAuthenticationInfo(1, 0x0125), 0x011C, 0x1C))
UNIT.bad("ISO7816_E_23", PROOF)(
    _elsewhere(TerminalAuthenticationInfo(1, 0x011C, 0x15), 0x011C, 0x1C)
)
UNIT.good("ISO7816_E_22", "where DG14 says")(
    _elsewhere(TerminalAuthenticationInfo(1, 0x0125), 0x0125, None)
)
UNIT.good("ISO7816_E_23", "where DG14 says")(
    _elsewhere(TerminalAuthenticationInfo(1, 0x0125, 0x15), 0x0125, 0x15)
)


# --- the chip ------------------------------------------------------------------------------------


@UNIT.bad("ISO7816_E_11", PROOF)
def _with_another_document_number(at: Workshop) -> Presented:
    made = protected(at, usual(at).root).with_keys(document_identifier=Secret(b"M11T002JM4"))
    return Presented(made, terminal=usual(at).credentials())


def _challenging(size: int) -> Make:
    def challenge(core: Core, command: CommandAPDU, do: CarryOut) -> ResponseAPDU:
        response = do(core, command)
        inside = core.session.secure_messaging is not None
        return ResponseAPDU((response.data * 2)[:size]) if inside else response

    table = doing(INS.GET_CHALLENGE, challenge)
    return lambda at: replace(_with()(at), instructions=table)


UNIT.bad("ISO7816_E_12", PROOF)(_challenging(7))
UNIT.bad("ISO7816_E_13", PROOF)(_challenging(9))


# --- certificates --------------------------------------------------------------------------------


def _with_rights(rights: Right) -> Make:
    """What the certificates do not allow is not read; the document is accepted without it."""

    def make(at: Workshop) -> Presented:
        own = chain(at.at.date(), rights=rights)
        return Presented(
            protected(at, own.root), terminal=own.credentials(), unread=_unread(rights)
        )

    return make


UNIT.good("ISO7816_E_14")(_with_rights(Right.READ_DG4))
UNIT.good("ISO7816_E_15")(_with_rights(Right.READ_DG3))
UNIT.good("ISO7816_E_16")(_with_rights(Right(0)))


def _with_a_wrong_signature(which: int) -> Make:
    def make(at: Workshop) -> Presented:
        own = usual(at)
        certificates = list(own.certificates)
        wrong: CvCertificate = certificates[which]
        certificates[which] = change(wrong, signature=damaged(wrong.signature))
        terminal = own.with_certificates(*certificates)
        return Presented(protected(at, own.root), terminal=terminal)

    return make


UNIT.bad("ISO7816_E_17", PROOF)(_with_a_wrong_signature(0))
UNIT.bad("ISO7816_E_18", PROOF)(_with_a_wrong_signature(1))


@UNIT.bad("ISO7816_E_19", PROOF)
def _after_the_chain_has_expired(at: Workshop) -> Presented:
    return _with(today=at.at.date() + 2 * YEAR)(at)


@UNIT.bad("ISO7816_E_24", PROOF)
def _without_the_certificates(at: Workshop) -> Presented:
    """The inspection system has its own certificate, and not the one that leads to it."""
    own = usual(at)
    terminal = own.with_certificates(own.system.certificate)
    return Presented(protected(at, own.root), terminal=terminal)


def _self_signed(holder: Holder, today: date) -> Holder:
    """A trust point of a chip: the certificate with its own domain parameters, by its own key."""
    return certify(
        holder.reference, Role.CVCA, own=holder.key, effective=today, expiration=today + 3 * YEAR
    )


def _linked(links: int, trusted: int) -> Make:
    """The chip trusts an older CVCA, from which link certificates lead to the newest."""

    def make(at: Workshop) -> Presented:
        today = at.at.date()
        roots = [certify("UTCVCA00001", Role.CVCA, effective=today, expiration=today + YEAR)]
        for number in range(links):
            roots.append(
                certify(
                    f"UTCVCA0000{number + 2}", Role.CVCA, roots[-1],
                    effective=today + timedelta(days=number + 1), expiration=today + 3 * YEAR,
                )
            )  # fmt: skip
        own = chain(today, rights=ALL_RIGHTS, root=roots[-1])
        sent: list[int] = []

        def note(command: CommandAPDU) -> None:
            if command.ins == INS.PERFORM_SECURITY_OPERATION:
                sent.append(len(command.data))

        def objection() -> str:
            needed = 2 + links - trusted
            if len(sent) == needed:
                return ""
            return f"{len(sent)} certificates were sent to the chip instead of {needed}"

        return Presented(
            protected(at, _self_signed(roots[trusted], today)),
            layer=lambda card: Answering(card, note),
            terminal=own.credentials(*(each.certificate for each in roots[1:])),
            objection=objection,
        )

    return make


UNIT.good("ISO7816_E_32")(_linked(1, 0))
UNIT.good("ISO7816_E_33")(_linked(2, 0))
UNIT.good("ISO7816_E_34")(_linked(1, 1))
