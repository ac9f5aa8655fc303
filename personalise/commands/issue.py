"""The commands `personalise prepare`, `write` and `passwords`: from an application to a card.

What a command needs is imported when it runs, and not before.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from personalise.commands.pki_options import open_pki, passphrase_file, pin_file, pki_folder
from support.errors import MisuseError

if TYPE_CHECKING:
    from emrtd.access.chip_keys import ChipKeys
    from emrtd.lds.image import LdsImage
    from emrtd.transport.trace import MeteredConnection
    from personalise.pki.issuing_pki import IssuingPki
    from personalise.preparing.application import Document
    from personalise.sign_service.client import RemoteDocumentSigner
    from personalise.station.writing import Progress, WriteReport
    from support.secret import Secret

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PATH = click.Path(path_type=Path)

station_key = click.option(
    "--station-key",
    type=_FILE,
    help="The station's private key (PKCS#8, encrypted).  Otherwise it is found among your own.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.command()
@click.argument("application", type=_PATH)
@pki_folder
@click.option(
    "--profile",
    "profile_name",
    default="permit",
    show_default=True,
    help="Chip profile: the name of one that ships (permit, permit-bac, passport), or a file.",
)
@click.option("-o", "--output", type=_PATH, required=True, help="New folder for the LDS image.")
@click.option(
    "--accept-quality",
    metavar="REASON",
    help="Take biometric samples below a mandatory limit as they are; the reason goes into the"
    " PKI's audit log.",
)
@click.option("--sign-service", metavar="URL", help="Have EF.SOD signed by this service.")
@click.option("--tls-certificate", type=_FILE, help="Our certificate towards the service (PEM).")
@click.option("--tls-key", type=_FILE, help="Its key (PEM).")
@click.option("--tls-authority", type=_FILE, help="Who certifies the service (PEM).")
@passphrase_file
@pin_file
def prepare(  # noqa: PLR0917 - click's options
    application: Path,
    folder: Path,
    profile_name: str,
    output: Path,
    accept_quality: str | None,
    sign_service: str | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
    tls_authority: Path | None,
    passphrase_file: Path | None,
    pin_file: Path | None,
) -> None:
    """Encode and sign APPLICATION, a folder or an encrypted package of one; no card is needed.

    The image holds every file of the chip, and the chip's keys and passwords sealed for the
    personalisation station.
    """
    from emrtd.lds.files import FileID
    from personalise.intake.package import load_application
    from personalise.pki.issuing_pki import AUDIT_LABEL
    from personalise.pki.operations import enter_accepted_quality
    from personalise.preparing import data_preparation
    from personalise.preparing.chip_profile import ChipProfile
    from support.files import is_taken

    if is_taken(output):
        raise MisuseError(f"{output}: is there already; remove it or name another folder")
    profile = ChipProfile.load(profile_name)
    local = sign_service is None
    pki = open_pki(folder, passphrase_file, pin_file, with_signing_keys=local)
    if accept_quality is not None:
        pki.custody.signer(AUDIT_LABEL)  # before anything is signed that could not be entered
    read = load_application(application, pki.open_package)
    at = datetime.now(UTC).replace(microsecond=0)
    if sign_service is None:
        issuance = pki.issuance()
    else:
        credentials = (tls_certificate, tls_key, tls_authority)
        issuance = pki.issuance(
            _remote_signer(pki, sign_service, credentials, read.particulars.document)
        )
    image = data_preparation.prepare(
        read, profile, issuance, at, accept_quality=accept_quality is not None
    )
    number = read.particulars.document.number
    signed = image.files[FileID.SOD]
    if accept_quality is not None:
        enter_accepted_quality(pki, accept_quality, signed, at)
    if local:  # a service registers what it signs
        pki.register_document(issuance.signer.certificate, at, signed, number)
    image.save(output)
    total = sum(map(len, image.files.values()))
    click.echo(f"{output}: {len(image.files)} files, {total:,} octets; {profile.description}")


@click.command()
@click.argument("application", type=_PATH)
@click.option(
    "--profile",
    "profile_name",
    default="permit",
    show_default=True,
    help="Chip profile, as for `personalise prepare`.",
)
@click.option("--pki", "folder", type=_PATH, help="The PKI's folder, for an encrypted package.")
@passphrase_file
@as_json
def quality(
    application: Path,
    profile_name: str,
    folder: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> int:
    """Measure the portrait and the fingerprints of APPLICATION, as they would go onto the chip.

    Exit status: 0 where nothing is below a mandatory limit, 2 where an operator has to look.
    """
    from personalise.intake.package import load_application
    from personalise.preparing.biometrics import assess_samples, fit_samples
    from personalise.preparing.chip_profile import ChipProfile
    from personalise.preparing.quality_report import print_quality

    def open_package(octets: bytes) -> "Secret":
        if folder is None:
            raise MisuseError("an encrypted package needs --pki, whose intake key opens it")
        pki = open_pki(folder, passphrase_file, None, with_signing_keys=False)
        return pki.open_package(octets)

    read = load_application(application, open_package)
    samples = fit_samples(read, ChipProfile.load(profile_name))
    return print_quality(assess_samples(read, samples), as_json=as_json)


@click.command("seal-application")
@click.argument("application", type=_PATH)
@click.option(
    "--for", "recipient", type=_FILE, required=True, help="The PKI's intake.cer (DER or PEM)."
)
@click.option("-o", "--output", type=_PATH, required=True, help="File for the package.")
def seal_application(application: Path, recipient: Path, output: Path) -> None:
    """Encrypt the application in the folder APPLICATION for the PKI that will issue it."""
    from personalise.intake import package
    from personalise.pki.certificate_file import read_certificate
    from support.files import write_atomically

    certificate = read_certificate(recipient)
    write_atomically(output, package.seal_application(application, certificate), mode=0o600)


@click.command()
@click.argument("image", type=_PATH)
@click.option("--reader", required=True, help="PC/SC reader, or virtual:FILE for a virtual chip.")
@click.option("--card-profile", default="iso7816-9", show_default=True, help="Kind of card.")
@station_key
@passphrase_file
@as_json
def write(  # noqa: PLR0917 - click's options
    image: Path,
    reader: str,
    card_profile: str,
    station_key: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Write the LDS image IMAGE to the card in a reader, read all of it back, and lock the card.

    A card that was pulled out, or lost its power, is finished when the same image is written to
    it again; it never takes another.
    """
    from emrtd.transport.connection import connect
    from emrtd.transport.trace import MeteredConnection
    from personalise.station.one_card import write_image

    loaded = _load(image)
    keys = _chip_keys(image, loaded, passphrase_file, station_key)
    with MeteredConnection(connect(reader)) as connection, _progress() as progress:
        report = write_image(loaded.files, keys, connection, card_profile, progress)
    _print_report(report, connection, as_json=as_json)


@click.command()
@click.argument("image", type=_PATH)
@station_key
@passphrase_file
@as_json
def passwords(
    image: Path, station_key: Path | None, passphrase_file: Path | None, as_json: bool
) -> None:
    """Print what opens the chip: the MRZ, and the CAN and PIN where it has them.

    For whatever prints the card and the holder's letter.  They are secrets: mind where they go.
    """
    import json

    from emrtd.access.passwords import PasswordType
    from emrtd.lds.data_groups.dg1 import DataGroup1
    from emrtd.lds.files import FileID

    loaded = _load(image)
    keys = _chip_keys(image, loaded, passphrase_file, station_key)
    if FileID.DG1 not in loaded.files:
        raise MisuseError(f"{image}: holds no DG1")
    found: dict[str, str | list[str]] = {
        "mrz": list(DataGroup1.decode(loaded.files[FileID.DG1]).mrz.lines)
    }
    for each in keys.passwords:
        if each.password.type is not PasswordType.MRZ:
            name = each.password.type.name.lower()
            found[name] = each.password.secret.reveal().decode("iso8859-1")
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, value in found.items():
        for line in [value] if isinstance(value, str) else value:
            click.echo(f"{name.upper():4} {line}")


def _remote_signer(
    pki: "IssuingPki",
    url: str,
    credentials: tuple[Path | None, Path | None, Path | None],
    document: "Document",
) -> "RemoteDocumentSigner":
    from time import sleep

    from personalise.sign_service.client import (
        ClientCredentials,
        DocumentToSign,
        RemoteDocumentSigner,
    )

    certificate, key, authority = credentials
    if certificate is None or key is None or authority is None:
        raise MisuseError(
            "--sign-service needs --tls-certificate, --tls-key and --tls-authority beside it"
        )
    return RemoteDocumentSigner(
        url,
        ClientCredentials(certificate, key, authority),
        pki.certificate("csca"),
        DocumentToSign(document.code, pki.seal_number(document.number)),
        sleep,
    )


def _load(image: Path) -> "LdsImage":
    from emrtd.lds.image import LdsImage

    return LdsImage.load(image)


def _chip_keys(
    path: Path, image: "LdsImage", passphrase_file: Path | None, station_key: Path | None
) -> "ChipKeys":
    from emrtd.access.chip_keys import ChipKeys
    from personalise.pki.station_keys import open_at_station
    from support.passphrase import read_passphrase

    if image.chip_keys is None:
        raise MisuseError(
            f"{path}: holds no chip_keys.p7m: only what `personalise prepare` made can be written"
        )
    passphrase = read_passphrase(passphrase_file)
    return ChipKeys.decode(open_at_station(image.chip_keys, passphrase, station_key).reveal())


@contextmanager
def _progress() -> "Iterator[Progress]":
    """A line that grows, for an operator at a terminal; nothing for a script."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return

    def show(done: int, total: int) -> None:
        click.echo(f"\r{done * 100 // max(total, 1):3d} %", nl=False, err=True)

    try:
        yield show
    finally:
        click.echo("\r", nl=False, err=True)


def _print_report(report: "WriteReport", connection: "MeteredConnection", *, as_json: bool) -> None:
    import json

    if as_json:
        click.echo(
            json.dumps(
                {
                    "reader": connection.reader,
                    "files": report.files,
                    "octets": report.octets,
                    "resumed": report.resumed,
                    "already_complete": report.already_complete,
                    "apdus": connection.apdus,
                    "bytes": connection.octets,
                    "seconds": round(connection.seconds, 3),
                }
            )
        )
        return
    what = "written, read back and locked"
    if report.already_complete:
        what = "held this document already, complete and locked"
    elif report.resumed:
        what = "had been begun before: finished, read back and locked"
    click.echo(f"{connection.reader}: {what}; {report.files} files, {report.octets:,} octets")
    click.echo(
        f"{connection.apdus} APDUs, {connection.octets:,} octets, {connection.seconds:.2f} s"
    )
