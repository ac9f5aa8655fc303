"""The certificate and key with which one end of a TLS connection authenticates."""

import ssl
from pathlib import Path


def load_key(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Load a certificate and its key (PEM); raises `OSError`, of which `ssl.SSLError` is one.

    Without a password OpenSSL asks for the pass phrase of an encrypted key at the terminal, which
    would block a service.
    """
    context.load_cert_chain(certificate, key, password=lambda: b"")
