"""The commands `personalise card-keys`: files with the transport keys of blank cards.

Each command imports what it needs when it runs, so that `--help` stays fast.
"""

import sys
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import click

from personalise.commands.pki_options import passphrase_file
from support.command_line import examples

if TYPE_CHECKING:
    from emrtd.crypto.signatures import EcPublicKey
    from support.secret import Secret

_MAX_SIZE = 1 << 12
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_NEW = click.Path(path_type=Path, dir_okay=False)


@click.group("card-keys")
def card_keys() -> None:
    """Files with the transport keys of blank cards, encrypted for one station."""


@card_keys.command(
    epilog=examples(
        "personalise card-keys seal --station pki/station.cer --batch 'batch 17' --key-version 17"
        " -o batch-17.p7m keys.txt",
        "personalise card-keys seal --station pki/station.cer --batch 'batch 17' --key-version 17"
        " -o batch-17.p7m -",
    )
)
@click.argument("keys", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--station", type=_FILE, required=True, help="The station's certificate.")
@click.option("--batch", required=True, help="The name of the batch, for messages.")
@click.option(
    "--key-version", type=click.IntRange(1, 0x7F), help="The key version (of keys of cards)."
)
@click.option(
    "--static", is_flag=True, help="The keys are the same for every card, not master keys."
)
@click.option(
    "--protection-key", is_flag=True, help="The key is one under which key blocks are encrypted."
)
@click.option("-o", "--output", type=_NEW, required=True, help="The file to write.")
def seal(
    *,
    keys: Path,
    station: Path,
    batch: str,
    key_version: int | None,
    static: bool,
    protection_key: bool,
    output: Path,
) -> None:
    """Encrypt the AES keys in the file KEYS for a station; - is standard input.

    KEYS has one key a line in hexadecimal: ENC, MAC and DEK, or one that is all three.  They are
    master keys, from which the keys of each card are derived with its key diversification data
    (KDF3), unless --static is given.  A key of several components is given as its components on one
    line, separated by spaces.  Prints the check values.
    """
    from emrtd.globalplatform.keys import check_value
    from emrtd.pki.cms.enveloped import seal as encrypt
    from personalise.station.key_sources.key_file import encode_protection_key
    from support.errors import MisuseError
    from support.files import require_new, write_atomically
    from support.memory_lock import keep_out_of_swap
    from support.records import read_bounded

    keep_out_of_swap()
    if output.exists():
        raise MisuseError(f"{output}: already exists", advice="choose another file")
    where = "standard input" if str(keys) == "-" else str(keys)
    require_new(output)
    octets = sys.stdin.buffer.read(_MAX_SIZE) if str(keys) == "-" else read_bounded(keys, _MAX_SIZE)
    found = _read_keys(octets, where)
    if protection_key:
        if len(found) != 1:
            raise MisuseError(f"{where}: holds {len(found)} keys, not one")
        content = encode_protection_key(batch, found[0])
    elif key_version is None:
        raise MisuseError("--key-version is required for keys of cards")
    else:
        content = _encode_cards(found, batch, key_version, static=static, where=where)
    public, identifier = _station(station)
    write_atomically(output, encrypt(content.reveal(), public, identifier), mode=0o600)
    for key in found:
        click.echo(f"check value {check_value(key).hex().upper()}")


@card_keys.command(epilog=examples("personalise card-keys show batch-17.p7m"))
@click.argument("file", type=_FILE)
@click.option("--station-key", type=_FILE, help="The station's private key (PKCS#8, encrypted).")
@passphrase_file
def show(file: Path, station_key: Path | None, passphrase_file: Path | None) -> None:
    """Print the batch, the key version and the check values of a file with keys of cards."""
    from emrtd.globalplatform.keys import check_value, version_name
    from personalise.pki.keys.station import StationKeys
    from personalise.station.key_sources.key_file import KeyFile
    from support.passphrase import read_passphrase

    found = KeyFile.open(file, StationKeys(read_passphrase(passphrase_file), station_key))
    click.echo(f"batch {found.batch}, key version {version_name(found.key_version)}")
    click.echo("master keys (KDF3)" if found.diversified else "static keys")
    for name, key in zip(("ENC", "MAC", "DEK"), found.keys.in_order, strict=True):
        click.echo(f"{name} {check_value(key).hex().upper()}")


def _encode_cards(
    found: "list[Secret]", batch: str, key_version: int, *, static: bool, where: str
) -> "Secret":
    from emrtd.globalplatform.keys import StaticKeys
    from personalise.station.key_sources.key_file import KeyFile, require_no_test_key
    from support.errors import MisuseError

    if len(found) not in {1, 3}:
        raise MisuseError(f"{where}: holds {len(found)} keys", advice="give one key, or three")
    enc, mac, dek = found if len(found) == 3 else found * 3
    file = KeyFile(batch, key_version, not static, StaticKeys(enc, mac, dek))
    require_no_test_key(file.keys, where)
    return file.encode()


def _read_keys(octets: bytes, where: str) -> "list[Secret]":
    """Read one key a line; components on one line are combined by exclusive or."""
    from emrtd.globalplatform.keys import cipher_of
    from support.errors import MisuseError
    from support.secret import Secret

    found = []
    for number, line in enumerate(octets.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            parts = [bytes.fromhex(each.decode("ascii")) for each in line.split()]
            combined = reduce(_exclusive_or, parts)
            cipher_of(Secret(combined))
        except (ValueError, MisuseError):
            raise MisuseError(
                f"{where}: line {number} is not a key of 16, 24 or 32 octets in hexadecimal, or"
                " components of one length"
            ) from None
        if not any(combined):
            raise MisuseError(
                f"{where}: the key of line {number} is all zeros",
                advice="check that no component is there twice",
            )
        found.append(Secret(combined))
    return found


def _exclusive_or(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _station(path: Path) -> "tuple[EcPublicKey, bytes]":
    """Return the public key of a station's certificate, and its identifier."""
    from emrtd.crypto.signatures import EcPublicKey
    from emrtd.pki.x509.certificate_writer import key_identifier
    from emrtd.pki.x509.extensions import KeyUsage
    from personalise.pki.certificate_file import read_certificate
    from support.errors import MisuseError

    certificate = read_certificate(path)
    public, usage = certificate.public_key, certificate.extensions.key_usage
    advice = "name the station's certificate: station.cer in the folder of the PKI"
    if not isinstance(public, EcPublicKey):
        raise MisuseError(f"{path}: its key is not an elliptic-curve key", advice=advice)
    if usage is not None and KeyUsage.KEY_AGREEMENT not in usage:
        raise MisuseError(f"{path}: its key usage does not include keyAgreement", advice=advice)
    return public, key_identifier(public)
