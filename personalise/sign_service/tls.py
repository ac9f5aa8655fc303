"""The certificate that one end of the connection shows, and its key."""

import ssl
from pathlib import Path


def load_key(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Load a certificate and its key (PEM); raises `OSError`, of which `ssl.SSLError` is one.

    OpenSSL would ask whoever sits at a terminal for the pass phrase of an encrypted key, and a
    service has nobody there.
    """
    context.load_cert_chain(certificate, key, password=lambda: b"")
