"""A whole card, by each kind: the commands that it takes, and what SCP03 costs besides its ciphers.

Both ends run in this process.  The processor time of both is measured with ciphers and MACs of
SCP03 that do nothing, so that only the work around them is left.  It is a matter of each command:
with short APDUs a card takes 400 commands, on each of which station and chip spend little else.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final
from unittest import mock

from bench.documents import MADE
from bench.timing import Ratio, ratio
from emrtd.globalplatform import derivation, emrtd_groupings, scp03, secure_channel
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.files import FileID
from emrtd.specimens import Specimen, make_specimen
from personalise.preparing.station_order import StationOrder
from personalise.station.key_sources.interface import KeySource
from personalise.station.key_sources.test_key import TestKeySource
from personalise.station.one_card import write_image
from support.secret import Secret
from vsmartcard.card.connection import CardConnection
from vsmartcard.card.layers import Watched
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.security_domain import BlankKind, TransportKeys
from vsmartcard.chip.state import ChipState, Hardware

_ISO, _GLOBALPLATFORM = BlankKind.ISO7816_9, BlankKind.GLOBALPLATFORM
_LONG: Final = AtrInfo.of(
    Capability.EXTENDED_LENGTH | Capability.EXTENDED_LENGTH_INFORMATION, 32_768, 32_768
)


def measure() -> list[Ratio]:
    """Measure the ratios for short and extended length."""
    found = []
    specimen = make_specimen("permit-bac", MADE)
    for name, hardware in (
        ("short", Hardware(extended_length=False)),
        ("long", Hardware()),
    ):
        files = _files(specimen, long=hardware.extended_length)
        least = _commands(specimen, files, hardware, _ISO, None)
        for kind in (_ISO, _GLOBALPLATFORM):
            count = _commands(specimen, files, hardware, kind, TestKeySource())
            label = f"commands of {kind.label} with keys / without, {name}"
            found.append(Ratio(label, count / least, 1.1))
        work = partial(_write, specimen, files, hardware, _ISO, TestKeySource())
        limit = partial(_write, specimen, files, hardware, _ISO, None)
        with _no_ciphers():
            label = f"a card with SCP03 / without, besides ciphers, {name}"
            found.append(Ratio(label, ratio(work, limit), 1.15))
    return found


def _files(specimen: Specimen, *, long: bool) -> Mapping[FileID, bytes]:
    """Return the files of a permit, with an EF.ATR/INFO for this length."""
    files = dict(specimen.files)
    if long:
        files[FileID.ATR_INFO] = _LONG.encode()
    return files


def _write(
    specimen: Specimen,
    files: Mapping[FileID, bytes],
    hardware: Hardware,
    kind: BlankKind,
    keys: KeySource | None,
) -> Watched:
    transport = None if keys is None else TransportKeys(kind)
    state = ChipState.blank(hardware, random=secrets.token_bytes, transport=transport)
    card = Watched(Chip(state))
    order = StationOrder(kind.label, specimen.keys)
    write_image(files, order, CardConnection(card), key_source=keys)
    return card


def _commands(
    specimen: Specimen,
    files: Mapping[FileID, bytes],
    hardware: Hardware,
    kind: BlankKind,
    keys: KeySource | None,
) -> int:
    return len(_write(specimen, files, hardware, kind, keys).sent)


class _NoCipher:
    """AES that leaves its input as it is, and MACs of zeros; the key sizes are those of AES."""

    block_size = 16
    key_size = 16

    def encrypt_cbc(self, _key: Secret, _iv: bytes, data: bytes) -> bytes:
        return data

    decrypt_cbc = encrypt_cbc

    def encrypt_block(self, _key: Secret, block: bytes) -> bytes:
        return block

    def cmac(self, _key: Secret, *_parts: bytes) -> bytes:
        return bytes(16)


_NO_CIPHER: Final = _NoCipher()


def _no_cipher_of(_key: Secret) -> _NoCipher:
    return _NO_CIPHER


@contextmanager
def _no_ciphers() -> Iterator[None]:
    """Replace the ciphers of SCP03, and no others."""
    with ExitStack() as replaced:
        for module in (secure_channel, scp03, derivation, emrtd_groupings):
            replaced.enter_context(mock.patch.object(module, "cipher_of", _no_cipher_of))
        yield
