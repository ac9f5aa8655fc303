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
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname or parts.username:
        raise MisuseError(
            "the address of a publication begins with https://, and has no user name",
            advice="use https://HOST/PATH, a folder or a file",
        )
    path = parts.path or "/"
    connection = HTTPSConnection(parts.hostname, parts.port, timeout=_SECONDS)
    try:
        connection.request("GET", f"{path}?{parts.query}" if parts.query else path)
        answer = connection.getresponse()
        if answer.status != 200:
            raise MisuseError(f"{parts.hostname}: answers {answer.status} instead of 200")
        octets = answer.read(MAX_PUBLICATION + 1)
    except (OSError, HTTPException) as error:
        reason = getattr(error, "strerror", "") or type(error).__name__
        raise MisuseError(f"{parts.hostname}: cannot be reached ({reason})") from None
    finally:
        connection.close()
    if len(octets) > MAX_PUBLICATION:
        raise MisuseError(f"{parts.hostname}: the answer is larger than {MAX_PUBLICATION:,} octets")
    return octets
