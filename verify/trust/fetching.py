"""Fetch a publication: from a file, a folder or an HTTPS address."""

from collections.abc import Iterator
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from support.errors import MisuseError
from support.records import read_bounded
from verify.trust.publishing import MAX_PUBLICATION

SUFFIX: Final = ".p7m"
_SECONDS: Final = 60


def fetch_publications(source: str) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the octets of each publication at a source.

    A folder has one in each of its files `*.p7m`.  Raises `MisuseError` if there is none or the
    address does not answer, `OSError` if a file cannot be read.
    """
    if "://" in source:
        yield source, _download(source)
        return
    path = Path(source)
    files = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
    if not files:
        raise MisuseError(f"{path}: has no publication (*{SUFFIX})")
    for each in files:
        yield str(each), read_bounded(each, MAX_PUBLICATION)


def _download(address: str) -> bytes:
    """Fetch an HTTPS address; the server's certificate is checked, and redirections are refused."""
    host, port, path = _read_address(address)
    connection = HTTPSConnection(host, port, timeout=_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        if answer.status != 200:
            raise MisuseError(f"{host}: answers {answer.status} instead of 200")
        octets = answer.read(MAX_PUBLICATION + 1)
    except (OSError, HTTPException, UnicodeError) as error:
        reason = getattr(error, "strerror", "") or type(error).__name__
        raise MisuseError(f"{host}: cannot be reached ({reason})") from None
    finally:
        connection.close()
    if len(octets) > MAX_PUBLICATION:
        raise MisuseError(f"{host}: the answer is larger than {MAX_PUBLICATION:,} octets")
    return octets


def _read_address(address: str) -> tuple[str, int | None, str]:
    """Return host, port (None: the usual one) and path with query; raise `MisuseError`."""
    advice = "use https://HOST/PATH, a folder or a file"
    if not address.isascii() or not address.isprintable() or " " in address:
        raise MisuseError(
            "the address of a publication has characters that no address has",
            advice="write them as %XX, and those of a host's name as xn--",
        )
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise MisuseError(
            "the host or port in the address of a publication cannot be read", advice=advice
        ) from None
    if parts.scheme != "https" or not host or parts.username is not None:
        raise MisuseError(
            "the address of a publication begins with https://, and has no user name",
            advice=advice,
        )
    path = parts.path or "/"
    return host, port, f"{path}?{parts.query}" if parts.query else path
