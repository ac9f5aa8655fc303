"""The commands `personalise pki`, `officer`, `audit` and `sign-service`.

What a command needs is imported when it runs, and not before.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emrtd.errors import MisuseError

if TYPE_CHECKING:
    from emrtd.crypto.private_keys import PrivateKey
    from personalise.pki.issuing_pki import IssuingPki
    from personalise.pki.pki_acts import PkiOffice

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PATH = click.Path(path_type=Path)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)

passphrase_file = click.option(
    "--passphrase-file",
    type=_FILE,
    help="File whose first line is the pass phrase of the keys.  Otherwise the file that"
    " CHIPSEAL_PASSPHRASE_FILE names, or one of your own that is made when it is needed.",
)
pin_file = click.option(
    "--pin-file",
    type=_FILE,
    envvar="CHIPSEAL_PIN_FILE",
    help="File whose first line is the HSM's PIN, where the keys are in one"
    "  [environment: CHIPSEAL_PIN_FILE].",
)
pki_folder = click.option(
    "--pki", "folder", type=_FOLDER, required=True, help="The PKI's folder, of `pki init`."
)


def act_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every act: which PKI, its secrets, and which officers are present."""
    officer = click.option(
        "--officer",
        "officers",
        multiple=True,
        metavar="NAME=KEYFILE",
        help="An officer who approves the act; once for each of them.",
    )
    officer_passphrase = click.option(
        "--officer-passphrase-file",
        "officer_passphrases",
        multiple=True,
        metavar="NAME=FILE",
        help="File with an officer's pass phrase, which is asked for otherwise.",
    )
    for option in (officer_passphrase, officer, pin_file, passphrase_file, pki_folder):
        command = option(command)
    return command


def open_pki(
    folder: Path,
    passphrase_file: Path | None,
    pin_file: Path | None,
    *,
    with_signing_keys: bool = True,
) -> "IssuingPki":
    """Open a PKI with the secrets that the options name; without signing keys, no HSM is asked."""
    from emrtd.passphrase import read_passphrase, read_secret_line
    from personalise.pki.issuing_pki import IssuingPki, no_pin

    pin = no_pin if pin_file is None else lambda: read_secret_line(pin_file)
    passphrase = read_passphrase(passphrase_file)
    return IssuingPki.open(folder, passphrase, pin, with_signing_keys=with_signing_keys)


def make_office(
    folder: Path,
    passphrase_file: Path | None,
    pin_file: Path | None,
    officers: tuple[str, ...],
    officer_passphrases: tuple[str, ...],
) -> "PkiOffice":
    """The office for an act, from the options of `act_options`."""
    from personalise.pki.pki_acts import PkiOffice

    files = dict(_pair(each, "--officer-passphrase-file") for each in officer_passphrases)
    present = [
        (name, _officer_key(name, Path(path), files.get(name)))
        for name, path in (_pair(each, "--officer") for each in officers)
    ]
    click.get_current_context().with_resource(_alone(folder))
    pki = open_pki(folder, passphrase_file, pin_file)
    return PkiOffice(pki, present, datetime.now(UTC).replace(microsecond=0))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process changes the PKI, and keep others waiting until it is done.

    What an act reads of the settings must still hold when it writes them, or a revocation is lost.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise MisuseError(f"{option} {text!r}: write NAME=FILE")
    return name, path


def _officer_key(name: str, path: Path, passphrase_file: str | None) -> "PrivateKey":
    from emrtd.passphrase import read_secret_line
    from emrtd.pki.private_key_file import WrongPassphraseError
    from emrtd.secret import Secret
    from personalise.pki.key_custody import read_private_key

    if passphrase_file is not None:
        passphrase = read_secret_line(Path(passphrase_file))
    else:
        typed = click.prompt(f"Pass phrase of {name}", hide_input=True, err=True)
        passphrase = Secret(str(typed).encode())
    try:
        return read_private_key(path, passphrase)
    except WrongPassphraseError:
        raise MisuseError(
            f"{path}: the pass phrase is not that of {name}'s key; name the file that holds the"
            f" right one with --officer-passphrase-file {name}=FILE"
        ) from None


@click.group()
def pki() -> None:
    """The issuing PKI: Country Signing CA, Document Signers, lists, revocation."""


@pki.command("init")
@click.argument("folder", type=_PATH)
@click.option("--state", default="UTO", show_default=True, help="Code of the State in the MRZ.")
@click.option("--organisation", default="Chipseal demonstration", show_default=True)
@click.option(
    "--key",
    default="brainpoolP256r1",
    show_default=True,
    help="Kind of the CSCA's and Document Signer's keys: a curve's name, or RSA-3072.",
)
@click.option("--pkcs1", is_flag=True, help="RSA keys sign with PKCS#1 v1.5 and not with PSS.")
@click.option(
    "--named-curves",
    is_flag=True,
    help="Name curves in certificates, where Doc 9303-12 wants explicit parameters: OpenSSL 3"
    " refuses chains with those.",
)
@click.option("--documents-per-signer", default=100_000, show_default=True)
@click.option("--pkcs11", metavar="MODULE", help="Keep the keys in an HSM: its PKCS#11 library.")
@click.option("--token", help="Label of the HSM's token.")
@pin_file
@passphrase_file
def pki_init(  # noqa: PLR0917 - click's options
    folder: Path,
    state: str,
    organisation: str,
    key: str,
    pkcs1: bool,
    named_curves: bool,
    documents_per_signer: int,
    pkcs11: str | None,
    token: str | None,
    pin_file: Path | None,
    passphrase_file: Path | None,
) -> None:
    """Make a PKI in the new folder FOLDER."""
    import msgspec

    from emrtd.passphrase import read_passphrase, read_secret_line
    from personalise.pki.country_signing_ca import HsmAddress, settings_for
    from personalise.pki.issuing_pki import IssuingPki, no_pin

    if (pkcs11 is None) != (token is None):
        raise MisuseError("an HSM needs both --pkcs11 MODULE and --token LABEL")
    settings = msgspec.structs.replace(
        settings_for(state, organisation, key, pss=not pkcs1, named_curves=named_curves),
        documents_per_signer=documents_per_signer,
        hsm=None if pkcs11 is None or token is None else HsmAddress(pkcs11, token),
    )
    pin = no_pin if pin_file is None else lambda: read_secret_line(pin_file)
    made = IssuingPki.create(
        folder, settings, read_passphrase(passphrase_file), datetime.now(UTC), pin
    )
    for name, what in (("csca", "CSCA"), ("ds", "Document Signer"), ("station", "station")):
        certificate = made.certificate(name)
        click.echo(f"{what:16} {certificate.key:16} until {certificate.not_after:%Y-%m-%d}")
    click.echo(f"for trust stores: {folder / 'csca.cer'} {folder / 'crl.crl'}")


@pki.command("issue-ds")
@act_options
def issue_document_signer(**options: Any) -> None:
    """Make the next Document Signer and put it into use."""
    certificate = make_office(**options).issue_document_signer()
    click.echo(f"Document Signer {certificate.serial:X} until {certificate.not_after:%Y-%m-%d}")


@pki.command("renew-csca")
@click.option("--name", default="", help="A new common name for the CSCA.")
@act_options
def renew_csca(name: str, **options: Any) -> None:
    """Make the next CSCA key, its root, and the link certificate to it."""
    root, link = make_office(**options).renew_csca(name)
    click.echo(f"CSCA             {root.serial:X} until {root.not_after:%Y-%m-%d}")
    click.echo(f"link certificate {link.serial:X} until {link.not_after:%Y-%m-%d}")


@pki.command("issue-list-signer")
@click.argument("kind", type=click.Choice(["master", "deviation"]))
@act_options
def issue_list_signer(kind: str, **options: Any) -> None:
    """Make a Master List Signer or a Deviation List Signer."""
    from emrtd.pki.extension_writer import CertificateKind

    kinds = {
        "master": CertificateKind.MASTER_LIST_SIGNER,
        "deviation": CertificateKind.DEVIATION_LIST_SIGNER,
    }
    certificate = make_office(**options).issue_list_signer(kinds[kind])
    click.echo(f"{kinds[kind].value} {certificate.serial:X}")


@pki.command("issue-crl")
@act_options
def issue_crl(**options: Any) -> None:
    """Issue the revocation list anew; at least every 90 days."""
    click.echo(make_office(**options).issue_crl())


@pki.command("revoke")
@click.argument("certificate")
@click.option(
    "--affected",
    type=_PATH,
    required=True,
    help="Where to write the list of documents that rest on it; - prints it.  It is personal data.",
)
@act_options
def revoke(certificate: str, affected: Path, **options: Any) -> None:
    """Revoke CERTIFICATE (its serial number, or `ds`), publish a CRL, list what is affected."""
    from emrtd.files import write_atomically
    from personalise.pki.pki_acts import affected_documents, find_certificate

    office = make_office(**options)
    revoked = find_certificate(office.pki, certificate)
    path = office.revoke(revoked)
    click.echo(f"revoked {revoked.serial:X}; distribute {path} within 48 hours", err=True)
    documents = list(affected_documents(office.pki, revoked))
    lines = [
        f"{'?' if each.number is None else each.number.reveal().decode()}"
        f"\t{each.signed:%Y-%m-%dT%H:%M:%SZ}\t{each.sod.hex()}\n"
        for each in documents
    ]
    if str(affected) == "-":
        click.echo("".join(lines), nl=False)
    else:
        write_atomically(affected, "".join(lines).encode(), mode=0o600)
    click.echo(f"{len(lines)} documents rest on it", err=True)
    if unknown := sum(each.number is None for each in documents):
        click.echo(f"of {unknown} the number does not open: find them by EF.SOD", err=True)


@pki.command("publish-master-list")
@click.argument("certificates", type=_FILE, nargs=-1, required=True)
@click.option("-o", "output", type=_PATH, required=True)
@act_options
def publish_master_list(certificates: tuple[Path, ...], output: Path, **options: Any) -> None:
    """Sign a Master List over the CSCA CERTIFICATES (DER)."""
    from emrtd.pki.certificates import Certificate

    office = make_office(**options)
    office.publish_master_list(
        [Certificate.parse(path.read_bytes()) for path in certificates], output
    )
    click.echo(output)


@pki.command("destroy-key")
@click.argument("label")
@act_options
def destroy_key(label: str, **options: Any) -> None:
    """Destroy the private key LABEL, for ever."""
    make_office(**options).destroy_key(label)


@pki.command("lint")
@click.argument("files", type=_FILE, nargs=-1, required=True)
def lint(files: tuple[Path, ...]) -> int:
    """Hold certificates, CRLs and master lists beside the profiles of Doc 9303-12.

    Prints one line a complaint, with its clause; exit status 1 where there is any.
    """
    from personalise.pki.pki_lint import lint_file

    found = 0
    for path in files:
        for where, complaint in lint_file(path):
            click.echo(f"{path}: {where}: {complaint.reason} [{complaint.clause}]")
            found += 1
    return 1 if found else 0


@click.group()
def officer() -> None:
    """The officers of a PKI, and the acts that need them."""


@officer.command("enrol")
@click.argument("name")
@click.option("-o", "output", type=_PATH, required=True, help="Where the new key is written.")
@click.option("--new-passphrase-file", type=_FILE, help="File with the new pass phrase.")
@act_options
def enrol(name: str, output: Path, new_passphrase_file: Path | None, **options: Any) -> None:
    """Make a key for the officer NAME, and add them to the PKI."""
    from emrtd.files import write_atomically
    from emrtd.passphrase import read_secret_line
    from emrtd.pki.private_key_file import encrypt_private_key
    from emrtd.secret import Secret
    from personalise.pki.key_custody import generate_private_key

    if output.exists():
        raise MisuseError(f"{output}: is there already; an officer's key is never overwritten")
    if new_passphrase_file is not None:
        passphrase = read_secret_line(new_passphrase_file)
    else:
        prompt = f"New pass phrase of {name}"
        typed = click.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True)
        passphrase = Secret(str(typed).encode())
    key = generate_private_key("secp256r1")
    office = make_office(**options)
    write_atomically(output, encrypt_private_key(key, passphrase), mode=0o600)
    try:
        office.enrol_officer(name, key.public_key)
    except BaseException:
        output.unlink()
        raise


@officer.command("require")
@click.argument("number", type=click.IntRange(0, 9))
@click.option("--act", "acts", multiple=True, help="One that needs them; else all do.")
@act_options
def require(number: int, acts: tuple[str, ...], **options: Any) -> None:
    """Have the acts that matter need NUMBER officers."""
    from personalise.pki.officers import ACTS

    unknown = sorted(set(acts) - ACTS)
    if unknown:
        raise MisuseError(f"{unknown[0]!r} is no act; the acts are {', '.join(sorted(ACTS))}")
    make_office(**options).require_officers(number, frozenset(acts) or ACTS)


@click.group()
def audit() -> None:
    """The audit log of a PKI."""


@audit.command("verify")
@pki_folder
@click.option("--head", help="The head that was noted at an earlier time.")
def verify_audit(folder: Path, head: str | None) -> None:
    """Verify the whole log: chain, signatures, approvals.  Note the head that is printed."""
    from personalise.pki.pki_acts import verify_audit as verify

    found = verify(folder, head)
    click.echo(f"{found.entries} entries, head {found.digest}")


@click.command("sign-service")
@click.option("--config", "configuration", type=_FILE, required=True, help="Its TOML file.")
@pki_folder
@pin_file
@passphrase_file
def sign_service(
    configuration: Path, folder: Path, pin_file: Path | None, passphrase_file: Path | None
) -> None:
    """Sign EF.SODs for data-preparation clients over HTTPS, until stopped."""
    from concurrent.futures import ThreadPoolExecutor

    from personalise.pki.register import Register
    from personalise.sign_service.configuration import Configuration
    from personalise.sign_service.desk import SigningDesk
    from personalise.sign_service.ledger import Ledger
    from personalise.sign_service.server import listen, serve
    from personalise.sign_service.signers import CurrentSigners
    from personalise.sign_service.web import SigningApplication

    settings = Configuration(configuration)
    listening = settings.listening
    with listen(listening) as socket:
        pki = open_pki(folder, passphrase_file, pin_file)
        signers = CurrentSigners(pki)
        if not signers():
            raise MisuseError(f"{folder}: has no Document Signer; `personalise pki issue-ds`")
        limit = settings.limit(pki.settings.documents_per_signer)
        thread = ThreadPoolExecutor(1, thread_name_prefix="signing")
        application = SigningApplication(
            lambda: SigningDesk(
                settings.clients, signers, limit, Ledger(settings.ledger), Register(folder)
            ),
            thread,
            lambda: datetime.now(UTC),
        )
        click.echo(f"signing on https://{listening.host}:{listening.port}", err=True)
        serve(application.asgi, thread, listening, socket)
