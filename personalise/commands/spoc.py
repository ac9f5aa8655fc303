"""The commands `personalise eac spoc`, `eac partner` and `eac terminal`: our SPOC, and its clients.

Each command imports what it needs when it runs, so that `--help` stays fast.
"""

from pathlib import Path
from typing import Any

import click

from personalise.commands.pki_options import (
    make_operations,
    operation_options,
    passphrase_file,
    pki_folder,
)
from support.command_line import examples

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_state = click.argument("state", metavar="STATE")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def spoc() -> None:
    """The Single Point of Contact: its own TLS certificates and revocation list."""


@spoc.command(
    "init",
    epilog=examples(
        "personalise eac spoc init --host spoc.utopia.example"
        " --crl-url https://spoc.utopia.example/crl.crl --pki pki"
    ),
)
@click.option("--host", required=True, metavar="NAME", help="Host part of our SPOC's URL.")
@click.option(
    "--crl-url", required=True, metavar="URL", help="Where other States find spoc/crl.crl."
)
@click.option("--anew", is_flag=True, help="Replace the CA; other States have to register it.")
@operation_options
def create(host: str, crl_url: str, *, anew: bool, **options: Any) -> None:
    """Make the SPOC's CA, the certificates of its TLS client and server, and its first CRL.

    Other States need spoc/ca.cer and spoc/crl.crl, and our URL.
    """
    from personalise.spoc.certificates import create_spoc

    root = create_spoc(make_operations(**options), host, crl_url, anew=anew)
    click.echo(f"{root.subject}, SHA-256 {root.fingerprint.hex()}")


@spoc.command("renew", epilog=examples("personalise eac spoc renew --revoke --pki pki"))
@click.option("--revoke", is_flag=True, help="Revoke the certificates before: their keys are lost.")
@operation_options
def renew(*, revoke: bool, **options: Any) -> None:
    """Make new keys and certificates of the TLS client and server, and the next CRL."""
    from personalise.spoc.certificates import renew_spoc

    for role, made in renew_spoc(make_operations(**options), revoke=revoke).items():
        click.echo(f"{role.common_name} {made.serial:X}, until {made.not_after:%Y-%m-%d}")


@spoc.command("crl", epilog=examples("personalise eac spoc crl --pki pki"))
@operation_options
def issue_crl(**options: Any) -> None:
    """Issue the SPOC's next CRL, spoc/crl.crl: every 90 days at least."""
    from personalise.spoc.certificates import issue_spoc_crl

    crl = issue_spoc_crl(make_operations(**options))
    click.echo(f"number {crl.number}, until {crl.next_update:%Y-%m-%d}")


@click.group()
def partner() -> None:
    """The other States' SPOCs, as they registered with ours."""


@partner.command(
    "add",
    epilog=examples(
        "personalise eac partner add AT --url https://spoc.at.example/SPOC --ca at-ca.cer"
        " --crl at.crl --pki pki",
        "personalise eac partner add AT --automatic --days 60 --pki pki",
    ),
)
@_state
@click.option("--url", metavar="URL", help="Address of its service, https://HOST/PATH.")
@click.option("--ca", "authorities", type=_FILE, multiple=True, help="Certificate of its SPOC CA.")
@click.option("--crl", type=_FILE, help="Its SPOC CA's newest revocation list.")
@click.option("--client", type=_FILE, help="Certificate of its TLS client, to know it by itself.")
@click.option("--server", type=_FILE, help="Certificate of its TLS server, to know it by itself.")
@click.option(
    "--right",
    "rights",
    type=click.Choice(["dg3", "dg4"]),
    multiple=True,
    help="The most that its Document Verifiers may read.  [default: dg3]",
)
@click.option("--days", type=click.IntRange(1, 90), help="The longest validity.  [default: 30]")
@click.option(
    "--automatic/--by-hand",
    default=None,
    help="Certify at once what a certified key or its CVCA has also signed, or nothing without an"
    " officer.  [default: --by-hand]",
)
@operation_options
def add_partner(  # noqa: PLR0917 - click's options
    state: str,
    url: str | None,
    authorities: tuple[Path, ...],
    crl: Path | None,
    client: Path | None,
    server: Path | None,
    rights: tuple[str, ...],
    days: int | None,
    *,
    automatic: bool | None,
    **options: Any,
) -> None:
    """Register STATE (two letters), or change what is given; its CA is trusted from then on."""
    from msgspec.structs import asdict

    from emrtd.pki.x509.crl import Crl
    from emrtd.pki.x509.spoc import SpocRole
    from personalise.pki.certificate_file import read_certificate
    from personalise.spoc.partners import Partners, policy_of
    from support.files import decoding
    from support.records import read_bounded

    operations = make_operations(**options)
    partners = Partners(operations.pki.folder)
    before = partners.find(state)
    given = {"url": url, "rights": rights or None, "days": days, "automatic": automatic}
    fields = {} if before is None else asdict(before.policy)
    fields |= {name: value for name, value in given.items() if value is not None}
    listed = None
    if crl is not None:
        with decoding(crl):
            listed = Crl.parse(read_bounded(crl, 1 << 20))
    ends = {SpocRole.CLIENT: client, SpocRole.SERVER: server}
    pinned = {role: read_certificate(path) for role, path in ends.items() if path is not None}
    made = partners.add(
        operations,
        state,
        policy_of(fields),
        authorities=[read_certificate(path) for path in authorities],
        crl=listed,
        pinned=pinned,
    )
    for each in made.authorities:
        click.echo(f"{each.subject}, SHA-256 {each.fingerprint.hex()}", err=True)
    click.echo(_described(state, made.policy))


@partner.command("list", epilog=examples("personalise eac partner list --pki pki"))
@_json
@pki_folder
def list_partners(folder: Path, *, as_json: bool) -> None:
    """List the registered States, and what their Document Verifiers may have."""
    from json import dumps

    from msgspec import to_builtins

    from personalise.spoc.partners import Partners

    partners = Partners(folder)
    found = [partners.get(each) for each in partners.states()]
    if as_json:
        rows = [{"state": each.state} | to_builtins(each.policy) for each in found]
        click.echo(dumps(rows, indent=2))
        return
    for each in found:
        click.echo(_described(each.state, each.policy))


@partner.command("remove", epilog=examples("personalise eac partner remove AT --pki pki"))
@_state
@operation_options
def remove_partner(state: str, **options: Any) -> None:
    """End the registration of STATE: its messages are refused from then on."""
    from personalise.spoc.partners import Partners

    operations = make_operations(**options)
    Partners(operations.pki.folder).remove(operations, state)
    click.echo(f"{state} is no longer registered")


@click.group()
def terminal() -> None:
    """Our terminals that ask our Document Verifier over the network (TR-03129)."""


@terminal.command(
    "add",
    epilog=examples(
        "personalise eac terminal add gate-1 --certificate gate-1.pem --holder UTGATE1"
        " --holder UTGATE1AT --pki pki"
    ),
)
@click.argument("name")
@click.option(
    "--certificate", type=_FILE, required=True, help="Certificate of the terminal's TLS client."
)
@click.option(
    "--holder",
    "holders",
    multiple=True,
    required=True,
    help="Begin of its references, without the number; one for each State whose documents it"
    " reads.",
)
@click.option(
    "--right",
    "rights",
    type=click.Choice(["dg3", "dg4"]),
    multiple=True,
    default=("dg3",),
    show_default=True,
    help="Data group that it may read; once for each.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 31),
    default=30,
    show_default=True,
    help="Validity of its certificates.",
)
@operation_options
def add_terminal(
    name: str,
    certificate: Path,
    holders: tuple[str, ...],
    rights: tuple[str, ...],
    days: int,
    **options: Any,
) -> None:
    """Register the terminal NAME: its requests are answered from the next start of `eac serve`."""
    import msgspec

    from personalise.pki.certificate_file import read_certificate
    from personalise.spoc.terminals import TerminalPolicy, Terminals
    from support.records import from_json

    operations = make_operations(**options)
    fields = {"holders": holders, "rights": rights, "days": days}
    policy = from_json(msgspec.json.encode(fields), TerminalPolicy, "the terminal")
    own = read_certificate(certificate)
    Terminals(operations.pki.folder).add(operations, name, policy, own)
    click.echo(f"{name}: {' '.join(holders)}, SHA-256 {own.fingerprint.hex()}")


@terminal.command("list", epilog=examples("personalise eac terminal list --pki pki"))
@pki_folder
def list_terminals(folder: Path) -> None:
    """List the registered terminals."""
    from personalise.spoc.terminals import Terminals

    for each in Terminals(folder).all():
        policy = each.policy
        what = f"{' '.join(policy.holders)}: {' '.join(policy.rights)}, {policy.days} days"
        click.echo(f"{each.name} {what}, TLS until {each.certificate.not_after:%Y-%m-%d}")


@terminal.command("remove", epilog=examples("personalise eac terminal remove gate-1 --pki pki"))
@click.argument("name")
@operation_options
def remove_terminal(name: str, **options: Any) -> None:
    """End the registration of the terminal NAME."""
    from personalise.spoc.terminals import Terminals

    operations = make_operations(**options)
    Terminals(operations.pki.folder).remove(operations, name)
    click.echo(f"{name} is no longer registered")


@terminal.command(
    "renew",
    epilog=examples(
        "personalise eac terminal renew gate-1-at --url https://dv.utopia.example/DV --state AT"
        " --holder UTGATE1AT --ca spoc-ca.pem --certificate gate-1.pem --key gate-1.key"
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--url", required=True, help="Address of the Document Verifier, https://HOST/DV.")
@click.option("--state", required=True, help="State whose documents are read (two letters).")
@click.option("--holder", required=True, help="Begin of the reference, as registered.")
@click.option("--ca", type=_FILE, required=True, help="CA of the server's TLS certificate (PEM).")
@click.option("--certificate", type=_FILE, required=True, help="Our TLS certificate (PEM).")
@click.option("--key", type=_FILE, required=True, help="Its key (PEM).")
@passphrase_file
def renew_terminal(  # noqa: PLR0917 - click's options
    folder: Path,
    url: str,
    state: str,
    holder: str,
    ca: Path,
    certificate: Path,
    key: Path,
    passphrase_file: Path | None,
) -> None:
    """At the terminal: make its next key in DIR, and have the Document Verifier certify it.

    Give DIR to `verify card --terminal`.
    """
    from datetime import UTC, datetime

    from personalise.spoc.terminal_client import asking
    from personalise.spoc.terminal_client import renew_terminal as renew
    from support.passphrase import read_passphrase

    made = renew(
        folder,
        read_passphrase(passphrase_file),
        asking(url, ca, certificate, key),
        state=state,
        holder=holder,
        today=datetime.now(UTC).date(),
    )
    click.echo(
        f"{made.holder_reference} by {made.authority_reference},"
        f" {made.effective} to {made.expiration}"
    )


def _described(state: str, policy: Any) -> str:
    how = "automatic" if policy.automatic else "by hand"
    return f"{state} {policy.url}: {' '.join(policy.rights)}, {policy.days} days, {how}"
