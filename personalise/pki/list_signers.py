"""The signers of lists that a PKI publishes, and whether each may sign now."""

from dataclasses import dataclass
from typing import Final

from emrtd.pki.x509.certificates import Certificate
from personalise.pki import folder
from personalise.pki.operations import PkiOperations
from support.errors import MisuseError


@dataclass(frozen=True, slots=True)
class ListSigner:
    """A kind: its name, the stem of its labels, and the argument of `pki issue-list-signer`."""

    name: str
    stem: str
    kind: str


MASTER_LIST: Final = ListSigner("Master List Signer", "mls", "master")
STOP_LIST: Final = ListSigner("Stop List Signer", folder.STOP_LIST, "stop")


def list_signer(operations: PkiOperations, kind: ListSigner) -> tuple[Certificate, Certificate]:
    """Return a list's signer and its CSCA; `MisuseError` unless both may sign now."""
    pki, advice = operations.pki, f"run `personalise pki issue-list-signer {kind.kind}`"
    if not (pki.folder / f"{kind.stem}.cer").is_file():
        raise MisuseError(f"{pki.folder}: has no {kind.name}", advice=advice)
    signer = pki.certificate(kind.stem)
    issuer = pki.issuer_of(signer)
    if pki.is_revoked(signer):
        raise MisuseError(f"{pki.folder}: the {kind.name} is revoked", advice=advice)
    pki.require_unrevoked(issuer)
    begin, end = signer.signing_period
    if not begin <= operations.at <= end:
        raise MisuseError(
            f"the {kind.name}'s key signs from {begin:%Y-%m-%d} to {end:%Y-%m-%d}, and not on"
            f" {operations.at:%Y-%m-%d}",
            advice=advice,
        )
    return signer, issuer
