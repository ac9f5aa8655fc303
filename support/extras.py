"""The packages that only an extra of Chipseal brings, and what is said where one is missing."""

from typing import Final

EXTRAS: Final = {
    "cv2": "faces",
    "distributed": "bulk",
    "httpx": "service",
    "pkcs11": "hsm",
    "prometheus_client": "service",
    "psycopg": "postgresql",
    "smartcard": "pcsc",
    "starlette": "service",
    "typst": "pdf",
    "uvicorn": "service",
}
"""The extra of each package, by the name that it is imported by."""


def extra_of(error: ModuleNotFoundError) -> str | None:
    """Return the extra that brings a module; None if the module is of no extra."""
    return EXTRAS.get((error.name or "").partition(".")[0])
