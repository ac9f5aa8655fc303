"""The commands `personalise prepare`, `quality` and `seal-application`, which read applications.

Each command imports what it needs when it runs, so that `--help` stays fast.
"""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from personalise.commands.pki_options import open_pki, passphrase_file, pin_file, pki_folder
from support.command_line import examples
from support.errors import MisuseError
from support.remarks import remark

if TYPE_CHECKING:
    from personalise.pki.issuing_pki import IssuingPki

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PATH = click.Path(path_type=Path)


@click.command(
    epilog=examples(
        "personalise prepare applications/0001 --pki pki -o images/0001",
        "personalise prepare 0001.p7m --pki pki --profile passport -o images/0001",
    )
)
@click.argument("application", type=_PATH)
@pki_folder
@click.option(
    "--profile",
    "profile_name",
    default="permit",
    show_default=True,
    help="Chip profile: the name of an installed one (permit, permit-bac, passport,"
    " permit-jmrtd-applet), or a file.",
)
@click.option("-o", "--output", type=_PATH, required=True, help="New folder for the LDS image.")
@click.option(
    "--accept-quality",
    metavar="REASON",
    help="Accept biometric samples below a mandatory limit; the reason is entered in the PKI's"
    " audit log.",
)
@click.option(
    "--sign-service",
    metavar="URL",
    help="Signing service that signs EF.SOD.  [default: sign with the PKI's own key]",
)
@click.option("--tls-certificate", type=_FILE, help="TLS client certificate for the service (PEM).")
@click.option("--tls-key", type=_FILE, help="Private key of the client certificate (PEM).")
@click.option(
    "--tls-authority",
    type=_FILE,
    help="CA certificate that the service's certificate chains to (PEM).",
)
@passphrase_file
@pin_file
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object: image, profile, files, octets, sod (SHA-256) and remarks.",
)
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
    as_json: bool,
) -> None:
    """Encode and sign APPLICATION, a folder or an encrypted package; no card is needed.

    The image holds every file of the chip.  It also holds the chip's keys and passwords, encrypted
    for the personalisation station.
    """
    from emrtd.biometrics.images.decoder import DECODER
    from emrtd.calendar import A_YEAR
    from emrtd.lds.files import FileID
    from emrtd.lds.image import require_separate
    from personalise.intake.preparation import prepare_image
    from personalise.preparing.chip_profile import ChipProfile, transitions_of

    DECODER.fork()
    require_separate(output)
    profile = ChipProfile.load(profile_name)
    pki = open_pki(folder, passphrase_file, pin_file, with_signing_keys=sign_service is None)
    if pki.settings.ledger.uncounted == "refuse":
        raise MisuseError(
            "this PKI makes no image that its ledger does not count (pki.json: ledger.uncounted)",
            advice="use `personalise intake` and `personalise station`",
        )
    issuer = None
    if sign_service is not None:
        from personalise.sign_service.remote import RemoteIssuer, RemoteService

        service = RemoteService.of(sign_service, tls_certificate, tls_key, tls_authority)
        issuer = RemoteIssuer(service, pki)
    at = datetime.now(UTC).replace(microsecond=0)
    image = prepare_image(
        application, profile, pki, at, issuer=issuer, accepted_quality=accept_quality
    )
    image.save(output)
    octets = sum(map(len, image.files.values()))
    remarks = [
        str(each) for each in transitions_of(profile) if at.date() < each.ends <= at.date() + A_YEAR
    ]
    remarks.append("no ledger counts this image; `personalise intake` takes applications into one")
    if as_json:
        record = {
            "image": str(output),
            "profile": profile_name,
            "files": len(image.files),
            "octets": octets,
            "sod": hashlib.sha256(image.files[FileID.SOD]).hexdigest(),
            "remarks": remarks,
        }
        click.echo(json.dumps(record))
        return
    click.echo(f"{output}: {len(image.files)} files, {octets:,} octets; {profile.description}")
    for each in remarks:
        remark(each)


@click.command(epilog=examples("personalise quality applications/0001"))
@click.argument("application", type=_PATH)
@click.option(
    "--profile",
    "profile_name",
    default="permit",
    show_default=True,
    help="Chip profile, as for `personalise prepare`.",
)
@click.option(
    "--pki",
    "folder",
    type=_PATH,
    help="Folder of the PKI, made by `pki init`; needed for an encrypted package only.",
)
@passphrase_file
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def quality(
    application: Path,
    profile_name: str,
    folder: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> int:
    """Measure the portrait and the fingerprints of APPLICATION, as the chip would hold them.

    Exit status: 0 if no sample is below a mandatory limit, 2 if an operator must decide.
    """
    from personalise.intake.package import opened_application
    from personalise.intake.preparation import keys_for
    from personalise.preparing.biometrics import assess_samples, fit_samples
    from personalise.preparing.chip_profile import ChipProfile
    from personalise.preparing.quality_report import print_quality

    def open_the_pki() -> "IssuingPki":
        if folder is None:
            raise MisuseError(
                "an encrypted package is opened with the PKI's intake key", advice="give --pki"
            )
        return open_pki(folder, passphrase_file, None, with_signing_keys=False)

    with opened_application(application, keys_for(application, open_the_pki)) as read:
        samples = fit_samples(read, ChipProfile.load(profile_name))
        assessments = assess_samples(read, samples)
    return print_quality(assessments, as_json=as_json)


@click.command(
    "seal-application",
    epilog=examples("personalise seal-application applications/0001 --for intake.cer -o 0001.p7m"),
)
@click.argument("application", type=_PATH)
@click.option(
    "--for",
    "recipient",
    type=_FILE,
    required=True,
    help="Certificate of the PKI's intake key: its intake.cer (DER or PEM).",
)
@click.option("-o", "--output", type=_PATH, required=True, help="File for the package.")
def seal_application(application: Path, recipient: Path, output: Path) -> None:
    """Encrypt the application in the folder APPLICATION for the PKI that will issue it.

    The package is encrypted, not signed: it does not prove who sent it.
    """
    from personalise.intake import package
    from personalise.pki.certificate_file import read_certificate
    from support.files import require_new, write_atomically

    require_new(output)
    certificate = read_certificate(recipient)
    write_atomically(output, package.seal_application(application, certificate), mode=0o600)
