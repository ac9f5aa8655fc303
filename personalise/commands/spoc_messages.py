"""The commands of `personalise eac` that exchange messages with other States' SPOCs.

Each command imports what it needs when it runs, so that `--help` stays fast.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personalise.commands.cvca import read_certificate
from personalise.commands.pki_options import (
    make_operations,
    open_operations,
    open_pki,
    operation_options,
    passphrase_file,
    pin_file,
    pki_folder,
)
from support.command_line import examples, log_option
from support.errors import ExitStatus, MisuseError

if TYPE_CHECKING:
    from personalise.spoc.delivery import Delivery

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PATH = click.Path(path_type=Path)
_state = click.argument("state", metavar="STATE")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command("serve", epilog=examples("personalise eac serve --port 8444 --pki pki"))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8444,
    show_default=True,
    help="Port to listen on.",
)
@click.option(
    "--standard-suites",
    is_flag=True,
    help="Also accept the TLS suites of Doc 9303-12, 4.2.2 (AES-CBC with SHA-1).",
)
@pki_folder
@pin_file
@passphrase_file
@log_option
def serve_spoc(  # noqa: PLR0917 - click's options
    folder: Path,
    passphrase_file: Path | None,
    pin_file: Path | None,
    host: str,
    port: int,
    log_form: str,
    *,
    standard_suites: bool,
) -> None:
    """Answer other States' SPOCs over HTTPS, until stopped."""
    from personalise.spoc.serving import run
    from support.log import logging_json

    with logging_json("spoc", log_form):
        pki = open_pki(folder, passphrase_file, pin_file)
        run(pki, host, port, standard=standard_suites)


@click.command(
    "send",
    epilog=examples(
        "personalise eac send AT at-root.cvcert --pki pki", "personalise eac send AT --pki pki"
    ),
)
@_state
@click.argument("certificates", type=_FILE, nargs=-1)
@click.option("--anew", is_flag=True, help="Replace a request that STATE has acknowledged.")
@click.option("--by-our-cvca", is_flag=True, help="Have our CVCA sign a first request too.")
@click.option(
    "--name",
    default="",
    help="New name for our Document Verifier, as in `eac request`: it asks as for the first time.",
)
@operation_options
def send(
    state: str,
    certificates: tuple[Path, ...],
    name: str,
    *,
    anew: bool,
    by_our_cvca: bool,
    **options: Any,
) -> None:
    """Ask the CVCA of STATE for our Document Verifier's next certificate, and import an answer.

    The first time, give its self-signed CERTIFICATE, after you have compared it with that State.
    A message that had no answer is sent again.  An answer may also come later, to `eac serve`.  The
    exit status is 2 if STATE refuses, or if its answer is wrong.
    """
    import uuid

    from personalise.spoc.applicant import prepare_request, take_response
    from personalise.spoc.states import Sent
    from personalise.spoc.work import SpocWork

    brought = [read_certificate(path) for path in certificates]
    at_work = SpocWork(open_operations(**options), state)
    with at_work.locked() as operations:
        message = prepare_request(
            operations,
            at_work.store,
            state,
            brought,
            uuid.uuid4().hex,
            anew=anew,
            by_our_cvca=by_our_cvca,
            name=name,
        )
    response = at_work.call(state, message)
    with at_work.locked() as operations:
        now = take_response(operations, at_work.store, state, message.message_id, response)
    click.echo(f"{state}: {response.result}; {now.status.value} ({now.note})")
    if now.status in {Sent.REFUSED, Sent.REJECTED}:
        click.get_current_context().exit(ExitStatus.REFERRED)


@click.command("fetch", epilog=examples("personalise eac fetch AT -o at-certificates --pki pki"))
@_state
@click.option("-o", "--output", type=_PATH, help="New folder for the certificates.")
@operation_options
def fetch(state: str, output: Path | None, **options: Any) -> None:
    """Get all certificates of the CVCA of STATE; keep those that follow from the trusted root.

    While none is trusted, they are only written to --output: compare the self-signed one with that
    State, and give it to `eac send`.
    """
    import uuid
    from hashlib import sha256

    from emrtd.pki.cvc.certificates import CvCertificate
    from personalise.pki.foreign import known_cvca, learn
    from personalise.spoc.messages import GetCaCertificates
    from personalise.spoc.work import SpocWork
    from support.files import is_taken, write_atomically

    if output is not None and is_taken(output):
        raise MisuseError(f"{output}: already exists", advice="choose another folder")
    at_work = SpocWork(open_operations(**options), state)
    message = GetCaCertificates(at_work.pki.settings.country, uuid.uuid4().hex)
    response = at_work.call(state, message)
    found = [CvCertificate.decode(each) for each in response.certificates]
    for number, each in enumerate(found, 1):
        kind = "root" if each.is_self_signed else "link"
        if output is not None:
            write_atomically(output / f"{number:02}-{kind}.cvcert", each.encode())
        digest = sha256(each.encode()).hexdigest()
        click.echo(f"{each.holder_reference} by {each.authority_reference}, SHA-256 {digest}")
    with at_work.locked() as operations:
        if known_cvca(operations.pki, state):
            new = learn(operations, found)
            click.echo(f"{state}: {response.result}; {len(new)} of them new", err=True)
        else:
            click.echo(f"{state}: {response.result}; none of them is trusted yet", err=True)


@click.command("requests", epilog=examples("personalise eac requests --pki pki"))
@_json
@pki_folder
def requests(folder: Path, *, as_json: bool) -> None:
    """List the messages received and sent, what each waits for, and what people have written."""
    from json import dumps

    from personalise.spoc.store import FILE_NAME, MessageStore, listed
    from support.printable_text import printable

    rows = listed(MessageStore(folder)) if (folder / FILE_NAME).is_file() else []
    if as_json:
        click.echo(dumps(rows, indent=2))
        return
    for each in rows:
        line = (
            f"{each['direction']} {each['state']} {each['message']} {each['operation']}"
            f" {each['at']}: {each['status']} ({each['result']}) {each['note']}"
        )
        click.echo(printable(line).rstrip())
        for text in each["text"].splitlines():
            click.echo(f"    {printable(text)}".rstrip())


@click.command(
    "decide",
    epilog=examples(
        "personalise eac decide AT --accept --days 30 --pki pki",
        'personalise eac decide AT --refuse --reason "no agreement" --pki pki',
    ),
)
@_state
@click.argument("message", metavar="[MESSAGE]", required=False)
@click.option("--accept", "accepted", is_flag=True, help="Certify the key.")
@click.option("--refuse", "refused", is_flag=True, help="Do not certify it.")
@click.option(
    "--right",
    "rights",
    type=click.Choice(["dg3", "dg4"]),
    multiple=True,
    help="Data group that may be read; once for each.  [default: as STATE is registered]",
)
@click.option("--days", type=click.IntRange(1, 90), help="Validity, up to that of STATE.")
@click.option("--reason", default="", help="Why it is refused; for our audit log.")
@operation_options
def decide(
    state: str,
    message: str | None,
    rights: tuple[str, ...],
    days: int | None,
    reason: str,
    *,
    accepted: bool,
    refused: bool,
    **options: Any,
) -> None:
    """Accept or refuse the request MESSAGE of STATE; `eac deliver` sends the answer.

    MESSAGE is needed only if several requests of STATE wait.
    """
    from emrtd.pki.cvc.authorization import rights_named
    from personalise.spoc.authority import accept, find_waiting, refuse
    from personalise.spoc.store import MessageStore

    if accepted is refused:
        raise MisuseError("a decision is one of --accept and --refuse", advice="give one of them")
    operations = make_operations(**options)
    store = MessageStore(operations.pki.folder)
    waiting = find_waiting(store, state, message)
    if accepted:
        granted = rights_named(rights) if rights else None
        done = accept(operations, store, waiting, rights=granted, days=days)
    else:
        done = refuse(operations, store, waiting, reason)
    click.echo(f"{state}: {done.result}; {done.status.value} ({done.note})")


@click.command("deliver", epilog=examples("personalise eac deliver --pki pki"))
@operation_options
def deliver(**options: Any) -> None:
    """Send the answers that were decided, and objections to wrong answers.

    The exit status is 2 if any could not be sent; run it again later.
    """
    from personalise.spoc.delivery import deliver as send_all
    from personalise.spoc.work import SpocWork

    at_work = SpocWork(open_operations(**options))
    ours = at_work.pki.settings.country
    _report(send_all(at_work.store, ours, at_work.call, at_work.at))


@click.command("notify", epilog=examples("personalise eac notify --pki pki"))
@click.argument("states", metavar="[STATE]...", nargs=-1)
@operation_options
def notify(states: tuple[str, ...], **options: Any) -> None:
    """Send our CVCA's certificates to every registered State, or to each STATE, after a renewal.

    The exit status is 2 if any could not be sent.
    """
    from personalise.spoc.authority import valid_cvca
    from personalise.spoc.delivery import notify as tell
    from personalise.spoc.partners import Partners
    from personalise.spoc.work import SpocWork

    at_work = SpocWork(open_operations(**options), *states)
    chosen = states or tuple(Partners(at_work.pki.folder).states())
    with at_work.locked() as operations:
        certificates = valid_cvca(operations)
    _report(tell(at_work.pki.settings.country, at_work.call, chosen, certificates))


@click.command(
    "message",
    epilog=examples('personalise eac message AT --subject "maintenance" text.txt --pki pki'),
)
@_state
@click.argument("text", type=_FILE)
@click.option("--subject", required=True, help="Subject, in English.")
@operation_options
def say(state: str, text: Path, subject: str, **options: Any) -> None:
    """Send the TEXT of a file, in English, to the people of the SPOC of STATE."""
    import uuid

    from personalise.spoc.messages import GeneralMessage
    from personalise.spoc.work import SpocWork
    from support.records import read_bounded

    try:
        body = read_bounded(text, 1 << 18).decode("utf-8")
    except UnicodeDecodeError:
        raise MisuseError(f"{text}: is not UTF-8 text") from None
    at_work = SpocWork(open_operations(**options), state)
    ours = at_work.pki.settings.country
    response = at_work.call(state, GeneralMessage(ours, uuid.uuid4().hex, subject, body))
    click.echo(f"{state}: {response.result}")


def _report(deliveries: "Iterable[Delivery]") -> None:
    failed = False
    for each in deliveries:
        failed = failed or bool(each.problem)
        said = each.problem or "received"
        click.echo(f"{each.state} {each.message_id or '-'} {each.status}: {said}")
    if failed:
        click.get_current_context().exit(ExitStatus.REFERRED)


SPOC_COMMANDS = (serve_spoc, send, fetch, requests, decide, deliver, notify, say)
