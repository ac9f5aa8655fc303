"""`verify trust`: fill, show and edit a trust store."""

import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from support.command_line import examples
from support.errors import MisuseError
from support.files import write_atomically
from support.printable_text import counted, printable
from verify.commands.trust_options import counted_entries, json_option, print_json, store_argument
from verify.commands.trust_posts import publish, pull
from verify.trust.kinds import TrustEntryKind

if TYPE_CHECKING:
    from verify.trust.entries import TrustEntry
    from verify.trust.settlement import Summary
    from verify.trust.store import TrustStore

_SHOWN = 20
"""How many warnings and reasons for leaving out are printed; there can be thousands."""

_REASONS = 3
"""How many reasons why signers do not chain are printed for each of many States."""

_KIND = click.option(
    "--kind", type=click.Choice([kind.value for kind in TrustEntryKind]), help="Only these."
)
_COUNTRY = click.option("--country", metavar="CC", help="Only those of this country (two letters).")


@click.group()
def trust() -> None:
    """Fill, show and edit a trust store: one file of certificates and lists.

    It accepts CSCA, link and Document Signer certificates and CRLs (DER or PEM), bundles of these
    (.p7c, .p7b), Master, Deviation and Defect Lists, and LDIF files of the ICAO PKD.
    """


trust.add_command(publish)
trust.add_command(pull)


@trust.command(epilog=examples("verify trust add trust.sqlite masterlist.ml csca.cer crl.crl"))
@store_argument
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--unverified", is_flag=True, help="Accept and trust what does not verify, too.")
@json_option
def add(store: Path, files: tuple[Path, ...], *, unverified: bool, as_json: bool) -> None:
    """Verify FILES and add their contents to STORE: all files, or none."""
    summaries = None if unverified else _unchanged(store, files)
    if summaries is None and not store.exists():
        summaries = _make(store, files, unverified=unverified)
    if summaries is None:
        summaries = _fill(store, files, unverified=unverified)
    if as_json:
        print_json([_summary_object(summary) for summary in summaries])
    else:
        for summary in summaries:
            _print_summary(summary)


def _unchanged(store: Path, files: Sequence[Path]) -> "tuple[Summary, ...] | None":
    """Return the summaries of files that are known; None if one of them is not."""
    from verify.trust.importing import read_unchanged
    from verify.trust.store import TrustStore

    if not store.is_file() or not all(path.is_file() for path in files):
        return None
    with TrustStore.open(store) as opened:
        return read_unchanged(opened, files)


def _make(store: Path, files: Sequence[Path], *, unverified: bool) -> "tuple[Summary, ...] | None":
    """Make a store under a temporary name, and rename it when it is complete.

    Returns None if another process made the store meanwhile; the files are to be added to that.
    """
    unfinished = store.with_name(f".{store.name}.{secrets.token_hex(6)}")
    try:
        summaries = _fill(unfinished, files, unverified=unverified)
        os.link(unfinished, store)  # fails if the file exists by now
    except FileExistsError:
        return None
    except OSError as error:
        if error.filename != str(unfinished):
            raise
        raise OSError(error.errno, error.strerror, str(store)) from None
    finally:
        unfinished.unlink(missing_ok=True)
    return summaries


def _fill(store: Path, files: Sequence[Path], *, unverified: bool) -> "tuple[Summary, ...]":
    from verify.trust.importing import import_paths
    from verify.trust.store import TrustStore

    with TrustStore.open(store, create=True) as opened:
        return import_paths(opened, files, at=datetime.now(UTC), unverified=unverified)


@trust.command("list", epilog=examples("verify trust list trust.sqlite --country DE"))
@store_argument
@_KIND
@_COUNTRY
@click.option("--unverified", is_flag=True, help="Only entries that are not verified.")
@click.option("--markdown", is_flag=True, help="Print a table for documentation.")
@json_option
def list_entries(
    store: Path,
    kind: str | None,
    country: str | None,
    *,
    unverified: bool,
    markdown: bool,
    as_json: bool,
) -> None:
    """List the entries of STORE, one on each line."""
    with _open(store) as opened:
        entries = opened.entries(kind=TrustEntryKind(kind) if kind else None, country=country)
    if unverified:
        entries = [entry for entry in entries if not entry.verified]
    if as_json:
        print_json([entry.as_json() for entry in entries])
    elif markdown:
        _print_markdown(entries)
    else:
        _print_lines(entries)


@trust.command(epilog=examples("verify trust show trust.sqlite 3f2a91c4"))
@store_argument
@click.argument("fingerprints", nargs=-1, metavar="[FINGERPRINT]...")
@json_option
def show(store: Path, fingerprints: tuple[str, ...], *, as_json: bool) -> None:
    """Show entries of STORE in full; without a FINGERPRINT, the files that were imported."""
    with _open(store) as opened:
        if fingerprints:
            found = [entry.as_json() for entry in _find(opened, fingerprints)]
        else:
            found = [
                {
                    "source": source.name,
                    "sha256": source.digest.hex(),
                    "imported": source.imported,
                    "entries": source.entries,
                    "note": source.note,
                }
                for source in opened.sources()
            ]
    if as_json:
        print_json(found)
        return
    for fields in found:
        for name, value in fields.items():
            text = ", ".join(value) if isinstance(value, list) else str(value)
            click.echo(f"{name.replace('_', ' '):12} {text}")
        click.echo()


@trust.command(epilog=examples("verify trust remove trust.sqlite 3f2a91c4"))
@store_argument
@click.argument("fingerprints", nargs=-1, metavar="[FINGERPRINT]...")
@click.option("--source", metavar="NAME", help="All entries that only this file contained.")
def remove(store: Path, fingerprints: tuple[str, ...], source: str | None) -> None:
    """Remove entries from STORE, by fingerprint or by the file they came from.

    Entries that were trusted only because of a removed one are no longer trusted: what its key had
    signed, and what a Master List brought that was signed under it.
    """
    from verify.trust.removal import remove_entries

    if bool(fingerprints) == (source is not None):
        raise MisuseError(
            "either fingerprints or --source are required, not both",
            advice="name the entries to remove",
        )
    with _open(store) as opened:
        if source is None:
            chosen = _find(opened, fingerprints)
        else:
            chosen = [entry for entry in opened.entries() if entry.sources == (source,)]
            if not chosen:
                raise MisuseError(f"{store}: no entry came from {source!r} alone")
        removed, withdrawal = remove_entries(opened, chosen, at=datetime.now(UTC))
    click.echo(f"{counted_entries(removed)} removed")
    for reason in withdrawal.reasons:
        click.echo(f"  {reason}")


@trust.command(epilog=examples("verify trust export trust.sqlite --kind csca -o cscas"))
@store_argument
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The PEM file to write."
)
@_KIND
@_COUNTRY
def export(store: Path, output: Path, kind: str | None, country: str | None) -> None:
    """Write entries of STORE to a PEM file, each after a line with its subject."""
    with _open(store) as opened:
        entries = opened.entries(kind=TrustEntryKind(kind) if kind else None, country=country)
    blocks = [_pem(entry) for entry in entries if entry.kind in _PEM_LABELS]
    write_atomically(output, "".join(blocks).encode())
    click.echo(f"{counted_entries(len(blocks))} written to {output}")


@trust.command(epilog=examples("verify trust states trust.sqlite --country NL"))
@store_argument
@_COUNTRY
@click.option("--problems", is_flag=True, help="Only States of which something is missing.")
@json_option
def states(store: Path, country: str | None, *, problems: bool, as_json: bool) -> None:
    """List what STORE has of each State, what is missing, and who publishes it."""
    from verify.trust.states import states_of

    now = datetime.now(UTC)
    wanted = country.upper() if country else None
    with _open(store) as opened:
        found = states_of(opened, now, wanted=[wanted] if wanted else [])
    chosen = [each for each in found if wanted in {None, each.country}]
    if problems:
        chosen = [each for each in chosen if each.problems]
    if as_json:
        print_json([each.as_json(now) for each in chosen])
        return
    click.echo("State  CSCAs  links  CRL of      signers  without a chain")
    for each in chosen:
        click.echo(
            f"{each.country or '-':5}  {each.cscas:5}  {each.links:5}  {each.crl[:10] or '-':10}"
            f"  {each.signers:7}  {each.not_chained:15}"
        )
        for problem in each.problems:
            click.echo(f"       {problem}")
        shown = len(each.reasons) if wanted else _REASONS
        for reason, count in each.reasons[:shown]:
            click.echo(printable(f"         {count}: {reason}"))
        if len(each.reasons) > shown:
            more = f"--country {each.country} shows" if each.country else "--json shows"
            click.echo(
                f"         and {counted(len(each.reasons) - shown, 'reason')} more, which {more}"
            )
        if wanted:
            for source in each.sources:
                click.echo(f"       {source.what}: {source.where} (seen {source.seen})")
    if not wanted and any(each.problems for each in chosen):
        click.echo("--country CC says who publishes what is missing of a State")


_PEM_LABELS = {
    TrustEntryKind.CSCA: "CERTIFICATE",
    TrustEntryKind.LINK: "CERTIFICATE",
    TrustEntryKind.DOCUMENT_SIGNER: "CERTIFICATE",
    TrustEntryKind.MASTER_LIST_SIGNER: "CERTIFICATE",
    TrustEntryKind.DEVIATION_LIST_SIGNER: "CERTIFICATE",
    TrustEntryKind.CRL: "X509 CRL",
    TrustEntryKind.DEVIATION_LIST: "CMS",
    TrustEntryKind.DEFECT_LIST: "CMS",
}


def _pem(entry: "TrustEntry") -> str:
    from emrtd.pki.pem import encode_pem

    return f"{entry.kind} {entry.subject}\n{encode_pem(entry.der, _PEM_LABELS[entry.kind])}"


def _open(store: Path) -> "TrustStore":
    from verify.trust.store import TrustStore

    return TrustStore.open(store)


def _find(store: "TrustStore", fingerprints: Sequence[str]) -> list["TrustEntry"]:
    """Return one entry for each fingerprint; raise `MisuseError` unless exactly one has it."""
    found = []
    for fingerprint in fingerprints:
        entries = store.find(fingerprint)
        if len(entries) != 1:
            how_many = "no entry" if not entries else f"{len(entries)} entries"
            raise MisuseError(f"{store.path}: {how_many} with a fingerprint {fingerprint}")
        found += entries
    return found


def _summary_object(summary: "Summary") -> dict[str, Any]:
    return {
        "source": summary.name,
        "added": summary.added,
        "known": summary.known,
        "verified": summary.verified,
        "note": summary.note,
        "warnings": summary.warnings,
        "doubts": summary.doubts,
        "left_out": summary.left_out,
    }


def _print_summary(summary: "Summary") -> None:
    total = counted_entries(summary.added + summary.known)
    click.echo(f"{summary.name}: {total}, {summary.added} of them new, {summary.verified} verified")
    if summary.note:
        click.echo(f"  {summary.note}")
    told = {
        "warning": summary.warnings,
        "cannot be used": summary.doubts,
        "left out": summary.left_out,
    }
    for what, reasons in told.items():
        for reason in reasons[:_SHOWN]:
            click.echo(f"  {what}: {reason}")
        if len(reasons) > _SHOWN:
            click.echo(f"  and {len(reasons) - _SHOWN} more, which --json shows")


def _print_lines(entries: Sequence["TrustEntry"]) -> None:
    for entry in entries:
        state = "verified" if entry.verified else "unverified"
        usable = "" if entry.usable else " (not usable)"
        why = "" if entry.trusted else f" (not trusted: {entry.explanation})"
        click.echo(
            f"{entry.fingerprint.hex()[:16]} {entry.country:2} {entry.kind:14} {state:10}"
            f" {entry.key + usable:18} {entry.subject}{why}"
        )


def _print_markdown(entries: Sequence["TrustEntry"]) -> None:
    click.echo("| State | subject | key | valid from | why |")
    click.echo("|---|---|---|---|---|")
    for entry in entries:
        cells = (entry.country, entry.subject, entry.key, entry.valid_from[:10], entry.explanation)
        click.echo("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
