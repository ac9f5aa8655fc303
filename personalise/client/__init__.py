"""Clients of the services: for case-working systems, and for data preparation.

    from personalise.client import ClientCredentials, IntakeClient

    with IntakeClient("https://intake.example:8444", credentials) as intake:
        package = intake.send(octets)

docs/integration.md describes both services.
"""

from personalise.client.connection import (
    ClientCredentials,
    RefusedRequestError,
    ServiceUnavailableError,
)
from personalise.client.intake import IntakeClient, read_receipt
from personalise.client.signing import SigningClient

__all__ = [
    "ClientCredentials",
    "IntakeClient",
    "RefusedRequestError",
    "ServiceUnavailableError",
    "SigningClient",
    "read_receipt",
]
