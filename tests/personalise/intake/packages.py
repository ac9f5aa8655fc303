"""Packages of applications for tests."""

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emrtd.pki.cms.enveloped import seal
from emrtd.pki.x509.certificate_writer import key_identifier
from personalise.intake.spool import Spool
from personalise.pki.issuing_pki import IssuingPki
from tests.personalise.applications import CONTRACT, changed, images

Files = Mapping[str, bytes]


def record(number: str = "ZU1234567", **changes: Any) -> dict[str, Any]:
    """Return the documented application with another document number and other changes."""
    found = changed("document.number", number)
    for path, value in changes.items():
        found = changed(path.replace("__", "."), value, found)
    return found


def application_files(folder: str = "", content: dict[str, Any] = CONTRACT) -> dict[str, bytes]:
    """Return the files of one application in a folder of an archive."""
    names = ("portrait.jpg", "ri.wsq")
    files = {f"{folder}{name}": images()[name] for name in names}
    return {f"{folder}application.json": json.dumps(content).encode(), **files}


def zipped(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, octets in files.items():
            archive.writestr(name, octets)
    return stream.getvalue()


def tarred(files: Files, mode: str = "w", kind: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode, format=kind) as archive:  # type: ignore[call-overload]
        for name, octets in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(octets)
            archive.addfile(entry, io.BytesIO(octets))
    return stream.getvalue()


def spooled(octets: bytes) -> Spool:
    spool = Spool()
    spool.write(octets)
    return spool


def sealed(path: Path, content: bytes, pki: IssuingPki, certificate: str = "intake") -> Path:
    """Encrypt content for a certificate of the PKI's folder."""
    key = pki.certificate(certificate).public_key
    assert key is not None
    path.write_bytes(seal(content, key, key_identifier(key)))
    return path


def packed(path: Path, files: Files, pki: IssuingPki) -> Path:
    """Write a package with these files to `path`."""
    return sealed(path, zipped(files), pki)
