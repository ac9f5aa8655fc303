"""`verify desk`: the officer's page."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from support.command_line import Instant, examples, log_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from verify.desk.terminal import DeskTerminal
    from verify.session.judging import JudgingSession
    from verify.trust.store import TrustStore
    from verify.wording import Wording

_FILE = click.Path(path_type=Path, dir_okay=False)
_GROUNDS_SECONDS = 60.0


@click.command(
    epilog=examples(
        "verify desk --trust trust.sqlite",
        "verify desk --trust trust.sqlite --reader Contactless --terminal is/ --no-browser",
    )
)
@click.option("--trust", required=True, type=_FILE, help="Trust store, made by `verify trust add`.")
@click.option(
    "--policy",
    default="default",
    show_default=True,
    help="Inspection policy: default, strict, old_reader or a TOML file.",
)
@click.option(
    "--at",
    type=Instant(),
    help="Judge as of this instant, in UTC; a day is its last second.  [default: now]",
)
@click.option(
    "--reader",
    default="",
    help="PC/SC reader (part of its name), or virtual:FILE.  [default: every reader]",
)
@click.option("--stop-list", type=_FILE, help="Look documents up in this signed stop list.")
@click.option(
    "--terminal",
    type=click.Path(path_type=Path, file_okay=False),
    help="Read fingerprints too, with this inspection system's folder (*.cvcert and *.p8).",
)
@click.option(
    "--passphrase-file",
    type=_FILE,
    help="File with the pass phrase of the inspection system's key.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port.  [default: any free one]"
)
@click.option("--no-browser", is_flag=True, help="Only print the address; open no browser.")
@click.option(
    "--keep",
    type=click.IntRange(1, 24 * 60),
    default=15,
    show_default=True,
    metavar="MINUTES",
    help="How long a result is remembered.",
)
@click.option(
    "--address",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; another machine's browser needs TLS.",
)
@click.option("--certificate", type=_FILE, help="TLS certificate (PEM), for another address.")
@click.option("--key", type=_FILE, help="Key of the TLS certificate (PEM, not encrypted).")
@log_option
@click.option(
    "--origin",
    default="",
    metavar="https://NAME",
    help="Address in the browser, if it is another: of a reverse proxy with TLS, or the"
    " certificate's name.",
)
def desk(
    *,
    trust: Path,
    policy: str,
    at: datetime | None,
    reader: str,
    stop_list: Path | None,
    terminal: Path | None,
    passphrase_file: Path | None,
    port: int,
    no_browser: bool,
    keep: int,
    address: str,
    certificate: Path | None,
    key: Path | None,
    origin: str,
    log_form: str,
) -> None:
    """Show a page that waits for cards, reads and judges them, until Ctrl-C.

    Prints one address, which is valid once: the browser that opens it has the desk.  Nothing of a
    person is stored; what the page shows is forgotten after --keep minutes, and when it is locked.
    """
    from emrtd.biometrics.images.decoder import DECODER
    from emrtd.transport.readers import watch
    from support.log import logging_json
    from support.passphrase import read_passphrase
    from verify.desk.machine import Limits
    from verify.desk.terminal import DeskTerminal
    from verify.session.judging import open_session
    from verify.trust.store import TrustStore

    _require_server()
    from verify.desk.web.server import Listening, listen

    DECODER.fork()  # before there are threads
    listening = Listening(address, port, certificate, key, origin)
    inspection_system = (
        None if terminal is None else DeskTerminal(terminal, read_passphrase(passphrase_file))
    )
    with (
        logging_json("desk", log_form),
        open_session(trust, policy, at, stop_list=stop_list) as session,
        TrustStore.open(trust) as store,
        watch(reader) as cards,
        listen(listening) as open_port,
    ):
        from verify.desk.service import DeskService
        from verify.desk.web.access import Access
        from verify.desk.web.application import application
        from verify.desk.web.server import serve

        service = DeskService(
            session, cards, terminal=inspection_system, limits=Limits(kept=keep * 60.0)
        )
        access = Access(listening.address(open_port.getsockname()[1]))
        page = application(service, access, _grounds(store, session, inspection_system))

        def tell() -> None:
            click.echo(access.url)
            sys.stdout.flush()
            if not no_browser:
                _open_browser(access.url)

        serve(page, listening, open_port, tell, service.end)


def _require_server() -> None:
    """Raise `MisuseError` if the server of the page is not installed."""
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        from support.errors import MisuseError

        raise MisuseError(
            "the desk needs starlette and uvicorn", advice="pip install 'chipseal[desk]'"
        ) from error


def _grounds(
    store: "TrustStore", session: "JudgingSession", terminal: "DeskTerminal | None"
) -> "Callable[[Wording], list[dict[str, Any]]]":
    """Return a function that says what the verdicts rest on; the store is asked once a minute."""
    import time

    from verify.session.grounds import Ground, grounds

    found: tuple[Ground, ...] = ()
    asked = -_GROUNDS_SECONDS

    def say(wording: "Wording") -> list[dict[str, Any]]:
        nonlocal found, asked
        if time.monotonic() - asked >= _GROUNDS_SECONDS:
            asked = time.monotonic()
            now = datetime.now(UTC)
            credentials = None if terminal is None else terminal.current()
            found = grounds(
                store,
                session.policy,
                now,
                at=session.at,
                terminal=credentials,
                stops=session.stop_list,
            )
        return [{"text": each.text(wording), "warns": each.warns} for each in found]

    return say


def _open_browser(url: str) -> None:
    """Open the address in a browser; on a machine without a screen, do nothing."""
    import os
    import webbrowser

    screen = "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    if screen or sys.platform in {"darwin", "win32"}:
        webbrowser.open(url)
