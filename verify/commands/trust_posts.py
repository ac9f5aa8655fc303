"""The commands `verify trust publish` and `pull`: one office fills a store, many posts take it."""

from datetime import UTC, datetime
from pathlib import Path

import click

from support.command_line import examples
from support.files import write_atomically
from verify.commands.trust_options import counted_entries, json_option, print_json, store_argument


@click.command(
    epilog=examples("verify trust publish trust.sqlite --key publisher.p8 -o /srv/trust/trust.p7m")
)
@store_argument
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The publisher's key (PKCS#8, encrypted); made, with a certificate, if it is absent.",
)
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with the pass phrase of the key.",
)
@click.option(
    "--policy", help="A policy for the posts: default, strict, old_reader or a TOML file."
)
@click.option(
    "--stop-list",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A signed stop list for the posts.",
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write."
)
@json_option
def publish(
    store: Path,
    *,
    key: Path,
    passphrase_file: Path | None,
    policy: str | None,
    stop_list: Path | None,
    output: Path,
    as_json: bool,
) -> None:
    """Sign the content of STORE, with the next number, for posts to pull."""
    from emrtd.pki.lists.stop_list import MAX_STOP_LIST, StopList
    from support.passphrase import read_passphrase
    from support.records import read_bounded
    from verify.judging.policy import load_policy_text
    from verify.trust.publisher import certificate_path, load_publisher
    from verify.trust.publishing import publish as publish_store
    from verify.trust.store import TrustStore

    now = datetime.now(UTC)
    chosen = None if policy is None else load_policy_text(policy)
    stops = None
    if stop_list is not None:
        stops = read_bounded(stop_list, MAX_STOP_LIST)
        StopList.parse(stops)  # posts could not use one that is malformed
    with TrustStore.open(store) as opened:
        signer, certificate, is_new = load_publisher(key, read_passphrase(passphrase_file), now)
        counter, octets = publish_store(
            opened, signer, certificate, now, policy=chosen, stop_list=stops
        )
        write_atomically(output, octets)
    if as_json:
        fingerprint = certificate.fingerprint.hex()
        print_json({"counter": counter, "octets": len(octets), "publisher": fingerprint})
        return
    click.echo(f"publication {counter} written to {output}, {len(octets):,} octets")
    if is_new:
        click.echo(f"give {certificate_path(key)} to the posts: they follow this publisher")


@click.command(
    epilog=examples(
        "verify trust pull trust.sqlite /mnt/trust --publisher publisher.cer",
        "verify trust pull trust.sqlite https://trust.example/trust.p7m",
    )
)
@store_argument
@click.argument("source", metavar="FILE|FOLDER|URL")
@click.option(
    "--publisher",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The publisher's certificate; needed the first time, and when the publisher changes.",
)
@json_option
def pull(store: Path, source: str, publisher: Path | None, *, as_json: bool) -> None:
    """Replace the content of STORE by the newest publication of its publisher.

    A publication that is older than the last one is refused.  A policy and a stop list that came
    with it are written beside STORE, as NAME.policy.toml and NAME.stop-list.
    """
    from verify.trust.pulling import pull_into

    pulled = pull_into(store, source, publisher)
    if as_json:
        print_json(
            {
                "counter": pulled.counter,
                "made": pulled.made,
                "taken": pulled.is_new,
                "entries": pulled.entries,
                "files": [str(each) for each in pulled.files],
            }
        )
        return
    state = "taken" if pulled.is_new else "already here"
    click.echo(f"publication {pulled.counter} of {pulled.made[:16]}: {state}")
    click.echo(f"{counted_entries(pulled.entries)} in {store}")
    for each in pulled.files:
        click.echo(f"{each} written")
