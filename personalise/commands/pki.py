"""The commands `personalise pki`.

Each command imports what it needs when it runs, so that `--help` stays fast.
"""

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personalise.commands.pki_options import (
    make_operations,
    operation_options,
)
from support.command_line import examples
from support.errors import MisuseError
from support.printable_text import counted
from support.remarks import remark

if TYPE_CHECKING:
    from personalise.pki.operations import PkiOperations

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PATH = click.Path(path_type=Path)


@click.group()
def pki() -> None:
    """The issuing PKI: Country Signing CA, Document Signers, lists, revocation."""


@pki.command("issue-ds", epilog=examples("personalise pki issue-ds --pki pki"))
@operation_options
def issue_document_signer(**options: Any) -> None:
    """Make the next Document Signer; new documents are signed with it from then on."""
    operations = make_operations(**options)
    _remark_on_rest(operations)
    certificate = operations.issue_document_signer()
    label = operations.pki.reread().settings.document_signer
    begin, end = certificate.signing_period
    click.echo(
        f"Document Signer {label} {certificate.serial:X} signs from {begin:%Y-%m-%d} to"
        f" {end:%Y-%m-%d}, valid until {certificate.not_after:%Y-%m-%d}"
    )


@pki.command(
    "renew-csca",
    epilog=examples(
        "personalise pki renew-csca --pki pki",
        "personalise pki renew-csca --key brainpoolP384r1 --pki pki",
    ),
)
@click.option("--name", default="", help="A new common name for the CSCA.")
@click.option(
    "--key",
    "kind",
    default="",
    metavar="KIND",
    help="Kind of the next key: a curve's name, or RSA-3072. The signers made after it have the"
    " same, unless `keys` in pki.json names theirs.  [default: as before]",
)
@operation_options
def renew_csca(name: str, kind: str, **options: Any) -> None:
    """Make the next CSCA key, its root certificate, and the link certificate to it.

    There is no link certificate if the CSCA before is revoked: other States must receive the new
    root by a channel that they trust.
    """
    operations = make_operations(**options)
    root, link = operations.renew_csca(name, kind=kind)
    files = ["csca.cer", "crl.crl"]
    click.echo(f"CSCA             {root.serial:X} until {root.not_after:%Y-%m-%d}")
    if link is not None:
        files.insert(1, f"link-{operations.pki.reread().settings.csca}.cer")
        click.echo(f"link certificate {link.serial:X} until {link.not_after:%Y-%m-%d}")
    folder = operations.pki.folder
    click.echo(f"for trust stores: {' '.join(str(folder / each) for each in files)}")


@pki.command(
    "issue-list-signer", epilog=examples("personalise pki issue-list-signer master --pki pki")
)
@click.argument("kind", type=click.Choice(["master", "deviation", "stop"]))
@operation_options
def issue_list_signer(kind: str, **options: Any) -> None:
    """Make a Master List Signer, a Deviation List Signer or a Stop List Signer."""
    from emrtd.pki.x509.extension_writer import CertificateKind
    from personalise.pki.stop_lists import issue_stop_list_signer

    if kind == "stop":
        certificate = issue_stop_list_signer(make_operations(**options))
        click.echo(f"Stop List Signer {certificate.serial:X}")
        return
    kinds = {
        "master": CertificateKind.MASTER_LIST_SIGNER,
        "deviation": CertificateKind.DEVIATION_LIST_SIGNER,
    }
    operations = make_operations(**options)
    _remark_on_rest(operations)
    certificate = operations.issue_list_signer(kinds[kind])
    click.echo(f"{kinds[kind].value} {certificate.serial:X} until {certificate.not_after:%Y-%m-%d}")


@pki.command(
    "issue-intake",
    epilog=examples(
        "personalise pki issue-intake --pki pki",
        "personalise pki issue-intake --key RSA-3072 --pki pki",
    ),
)
@click.option(
    "--key",
    default="brainpoolP256r1",
    show_default=True,
    help="Kind of the key: the name of a curve, or RSA-3072.",
)
@operation_options
def issue_intake(key: str, **options: Any) -> None:
    """Make one more key for which applications are encrypted; those before it stay in use.

    End a key with `personalise pki destroy-key`, when no sender encrypts for it any more.
    """
    from personalise.pki.intake_keys import issue_intake as issue

    operations = make_operations(**options)
    label, certificate = issue(operations, key)
    path = operations.pki.folder / f"{label}.cer"
    click.echo(f"{path} {certificate.key} until {certificate.not_after:%Y-%m-%d}")


@pki.command(
    "issue-receipt-signer", epilog=examples("personalise pki issue-receipt-signer --pki pki")
)
@operation_options
def issue_receipt_signer(**options: Any) -> None:
    """Make the key that signs the receipts of `personalise intake`, if `pki init` made none."""
    from personalise.pki.intake_keys import issue_receipt_signer as issue

    certificate = issue(make_operations(**options))
    click.echo(f"receipt signer {certificate.serial:X} until {certificate.not_after:%Y-%m-%d}")


@pki.command("issue-crl", epilog=examples("personalise pki issue-crl --pki pki"))
@operation_options
def issue_crl(**options: Any) -> None:
    """Issue a new certificate revocation list; required at least every 90 days."""
    operations = make_operations(**options)
    _remark_on_age(operations)
    _show_crl(operations.issue_crl())


def _remark_on_rest(operations: "PkiOperations") -> None:
    """Remark on a signature with a CSCA key that succeeded another one days ago (4.1.4.3)."""
    from personalise.pki.operations import REST

    settings, root = operations.pki.settings, operations.pki.certificate("csca")
    if settings.csca != "csca-1" and operations.at < root.not_before + REST:
        remark(
            f"{settings.csca} should sign nothing before {root.not_before + REST:%Y-%m-%d %H:%M}"
            " UTC: verifiers without its link refer what it signs (Doc 9303-12, 4.1.4.3)"
        )


def _remark_on_age(operations: "PkiOperations") -> None:
    """Remark on a list that follows the last one too soon, without a new revocation (4.1.5)."""
    from personalise.pki.status.overview import read_crl

    last = read_crl(operations.pki)
    if last is None or last.missing:
        return
    age = operations.at - last.this_update
    if age < timedelta(hours=48):
        minutes = max(0, int(age.total_seconds() // 60))
        old = counted(minutes, "minute") if minutes < 120 else counted(minutes // 60, "hour")
        remark(
            f"the last list is {old} old and no certificate was revoked since;"
            " lists are 48 hours apart (Doc 9303-12, 4.1.5)"
        )


def _show_crl(path: Path) -> None:
    from emrtd.pki.x509.crl import MAX_CRL, Crl
    from support.records import read_bounded

    crl = Crl.parse(read_bounded(path, MAX_CRL))
    end = "" if crl.next_update is None else f", the next one by {crl.next_update:%Y-%m-%d}"
    click.echo(f"{path}: number {crl.number}, {len(crl.revoked)} revoked{end}")


@pki.command(
    "revoke", epilog=examples("personalise pki revoke ds --affected affected.tsv --pki pki")
)
@click.argument("certificate")
@click.option(
    "--affected",
    type=_PATH,
    required=True,
    help="File for the list of documents that the certificate signed; - prints it. The list is"
    " personal data.",
)
@operation_options
def revoke(certificate: str, affected: Path, **options: Any) -> None:
    """Revoke CERTIFICATE, publish a CRL, and list the affected documents.

    CERTIFICATE is a name that `pki status` prints (`ds-1`), a serial number, `ds` or `csca`.
    For one that the CRL has already, only the documents are listed again.
    """
    from emrtd.pki.lint.certificates import kind_of
    from personalise.pki.folder import CRL_NAME
    from personalise.pki.naming import find_certificate
    from personalise.pki.revoking import affected_documents, is_published, revoked_together
    from support.files import require_new, write_atomically

    if str(affected) != "-":
        require_new(affected)
    operations = make_operations(**options)
    revoked = find_certificate(operations.pki, certificate)
    if operations.carried is None and is_published(operations.pki, revoked):
        path = operations.pki.folder / CRL_NAME
        click.echo(f"{revoked.serial:X} is revoked already; {path} has it", err=True)
    else:
        path = operations.revoke(revoked)
        click.echo(f"revoked {revoked.serial:X}; distribute {path} within 48 hours", err=True)
    for each in revoked_together(operations.pki, revoked)[1:]:
        click.echo(f"revoked with it: {each.serial:X}, a {kind_of(each).noun}", err=True)
    documents = list(affected_documents(operations.pki, revoked))
    lines = [
        f"{'?' if each.number is None else each.number.reveal().decode()}"
        f"\t{each.signed:%Y-%m-%dT%H:%M:%SZ}\t{each.sod.hex()}\n"
        for each in documents
    ]
    if str(affected) == "-":
        click.echo("".join(lines), nl=False)
    else:
        write_atomically(affected, "".join(lines).encode(), mode=0o600)
    are = "is" if len(lines) == 1 else "are"
    click.echo(f"{counted(len(lines), 'document')} {are} affected", err=True)
    if unknown := sum(each.number is None for each in documents):
        click.echo(
            f"the numbers of {unknown} cannot be decrypted: find these documents by EF.SOD",
            err=True,
        )


@pki.command(
    "publish-master-list",
    epilog=examples(
        "personalise pki publish-master-list csca-x.cer csca-y.cer --pki pki -o states.ml"
    ),
)
@click.argument("certificates", type=_FILE, nargs=-1, required=True)
@click.option("-o", "--output", type=_PATH, required=True, help="New file for the list.")
@click.option(
    "--accept-findings",
    "reason",
    metavar="REASON",
    default="",
    help="List certificates of other States although `pki lint` has findings; the reason is entered"
    " in the audit log.",
)
@operation_options
def publish_master_list(
    certificates: tuple[Path, ...], output: Path, reason: str, **options: Any
) -> None:
    """Sign a Master List over CSCA and link CERTIFICATES (files in DER or PEM)."""
    from personalise.pki.certificate_file import read_certificates
    from personalise.pki.master_lists import publish_master_list as publish

    brought = [(path, each) for path in certificates for each in read_certificates(path)]
    publish(make_operations(**options), brought, output, reason=reason)
    listed = len({each for _, each in brought})
    click.echo(f"{output}: {counted(listed, 'certificate')}; publish it within 48 hours")


@pki.command("destroy-key", epilog=examples("personalise pki destroy-key ds-1 --pki pki"))
@click.argument("label")
@click.option(
    "--yes",
    is_flag=True,
    help="Destroy a key that is in use without asking for its label; two officers must approve.",
)
@operation_options
def destroy_key(label: str, *, yes: bool, **options: Any) -> None:
    """Destroy the private key LABEL; this cannot be undone.

    For a key that is in use, its label is to be typed once more.
    """
    from personalise.pki import destroying

    operations = make_operations(**options)
    in_use = destroying.is_in_use(operations, label)
    if in_use:
        _confirm(label, operations, yes=yes)
    destroying.destroy_key(operations, label, although_in_use=in_use)
    click.echo(f"the key {label} is destroyed")


def _confirm(label: str, operations: "PkiOperations", *, yes: bool) -> None:
    """Raise `MisuseError` unless the label is typed again, or two officers approve with --yes."""
    if yes:
        if operations.officers is not None and len(set(operations.officers)) < 2:
            raise MisuseError(
                f"the key {label!r} is in use, and --yes requires two officers",
                advice="name each with --officer NAME=KEYFILE",
            )
    elif not sys.stdin.isatty():
        raise MisuseError(
            f"the key {label!r} is in use, and no terminal is there to confirm its label",
            advice="give --yes and two officers with --officer NAME=KEYFILE",
        )
    elif (
        click.prompt(f"The key {label} is in use. Type its label to destroy it", err=True) != label
    ):
        raise MisuseError("another label was typed; nothing was destroyed")


@pki.command(
    "set",
    epilog=examples(
        'personalise pki set documents_per_signer=50000 --reason "change 17" --pki pki',
        'personalise pki set ledger.only_stock=true --reason "stock is counted now" --pki pki',
    ),
)
@click.argument("setting", metavar="FIELD=VALUE")
@click.option("--reason", required=True, help="Why; entered in the audit log.")
@operation_options
def set_(setting: str, reason: str, **options: Any) -> None:
    """Change a setting of pki.json; the audit log has the values before and after, and the reason.

    VALUE is as in TOML: a number, true or false, a list; other text stands for itself.
    """
    import tomllib

    from personalise.pki.changing import change_setting

    field, equals, text = setting.partition("=")
    if not (field and equals):
        raise MisuseError(f"{setting!r}: is not FIELD=VALUE")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    change_setting(make_operations(**options), field, value, reason)
    click.echo(f"{field} is {text} for what is made from now on")


@pki.command(
    "accept-clock",
    epilog=examples('personalise pki accept-clock --pki pki --reason "the clock was ahead"'),
)
@click.option("--reason", required=True, help="Why the clock is right; entered in the audit log.")
@operation_options
def accept_clock(reason: str, **options: Any) -> None:
    """Accept the present clock, although it is behind what the PKI has signed.

    For a clock that was ahead and is right again. What was signed meanwhile keeps its wrong dates.
    """
    operations = make_operations(**options)
    operations.accept_clock(reason)
    click.echo(f"the clock is accepted: {operations.at:%Y-%m-%d %H:%M:%S} UTC")


@pki.command("lint", epilog=examples("personalise pki lint pki/csca.cer pki/crl.crl"))
@click.argument("files", type=_FILE, nargs=-1, required=True)
def lint(files: tuple[Path, ...]) -> int:
    """Check certificates, CRLs and master lists against the profiles of Doc 9303-12.

    Chip profiles (*.toml) are checked against the calendar.  Prints one line for each finding, with
    its clause; the exit status is 1 if there are any.  What is still to come is a remark.
    """
    from personalise.pki.linting import lint_file

    today, found = datetime.now(UTC).date(), 0
    for path in files:
        if path.suffix == ".toml":
            found += _lint_profile(path, today)
            continue
        for where, finding in lint_file(path):
            click.echo(f"{path}: {where}: {finding.reason} [{finding.clause}]")
            found += 1
    return 1 if found else 0


def _lint_profile(path: Path, today: date) -> int:
    """Print the transitions that end a chip profile; return how many have passed."""
    from personalise.preparing.chip_profile import ChipProfile, transitions_of

    transitions = transitions_of(ChipProfile.load(str(path)))
    passed = [each for each in transitions if each.ends <= today]
    for each in passed:
        click.echo(f"{path}: {each}")
    for each in transitions[len(passed) :]:
        remark(f"{path}: {each}")
    return len(passed)
