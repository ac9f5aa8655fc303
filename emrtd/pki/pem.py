"""PEM (RFC 7468): octets as text between two lines that say what they are."""

import base64


def encode_pem(octets: bytes, label: str) -> str:
    """Write octets as PEM; `label` is CERTIFICATE, X509 CRL, CMS, ..."""
    text = base64.b64encode(octets).decode("ascii")
    lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"
