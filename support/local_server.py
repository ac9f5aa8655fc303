"""Pages without TLS for programs on this machine: health for a supervisor, metrics for Prometheus.

They listen on 127.0.0.1 only, and hold nothing secret.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final, NamedTuple

from support.errors import MisuseError

ADDRESS: Final = "127.0.0.1"


class Page(NamedTuple):
    """What a GET is answered with."""

    status: int
    media_type: str
    content: bytes


Pages = Mapping[str, Callable[[], Page]]
"""Makes the page of each path."""


@contextmanager
def serving(port: int, pages: Pages, option: str) -> Iterator[int]:
    """Serve pages in the block, and yield the port; 0 is any free one.

    Raises `MisuseError` if the port cannot be used; `option` names what to change.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            make = pages.get(self.path)
            try:
                page = Page(404, "text/plain", b"no such page\n") if make is None else make()
            except Exception:  # noqa: BLE001 - what is wrong is in the log of the maker
                page = Page(500, "text/plain", b"cannot be made\n")
            self.send_response(page.status)
            self.send_header("Content-Type", page.media_type)
            self.send_header("Content-Length", str(len(page.content)))
            self.end_headers()
            self.wfile.write(page.content)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

        def version_string(self) -> str:
            return "chipseal"

    try:
        server = ThreadingHTTPServer((ADDRESS, port), Handler)
    except OSError as error:
        raise MisuseError(f"{option} {port}: {error.strerror}", advice="name a free port") from None
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, name="local pages", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
