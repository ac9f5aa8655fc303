"""The SPOC's own certificates: its CA, its TLS client and server, and its revocation list.

    DIR/spoc/ca.cer, crl.crl            for other States, which register them
    DIR/spoc/client.cer, client.p8      certificate and encrypted key of the TLS client
    DIR/spoc/server.cer, server.p8      those of the TLS server

The CA's key is in the PKI's custody; the TLS keys are encrypted with the PKI's pass phrase.
"""

import re
from pathlib import Path
from typing import Final

from emrtd.crypto.key_kinds import generate_private_key
from emrtd.pki.lint.spoc import dns_names
from emrtd.pki.x509.certificate_writer import RevokedCertificate
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.spoc import CURVE, SpocCa, SpocRole
from personalise.pki.destroying import SPOC_CA
from personalise.pki.issuing_pki import IssuingPki, require_signed
from personalise.pki.operations import PkiOperations
from support.errors import MisuseError
from support.files import write_atomically
from support.records import read_bounded

FOLDER: Final = "spoc"
CA_NAME: Final = "ca.cer"
CRL_NAME: Final = "crl.crl"
ISSUE: Final = "spoc.issue"
STEMS: Final = {SpocRole.CLIENT: "client", SpocRole.SERVER: "server"}

_MAX_FILE: Final = 1 << 20
_CRL_URL: Final = re.compile(r"(https?|ldaps?)://[!-~]{1,500}")


def create_spoc(
    operations: PkiOperations, host: str, crl_url: str, *, anew: bool = False
) -> Certificate:
    """Make the SPOC's CA, its TLS certificates and its first list; return the CA's certificate.

    `host` is the host part of the SPOC's URL, `crl_url` where other States find the list.  `anew`
    replaces the CA, which the other States then have to register.  Raises `MisuseError` if the PKI
    has a SPOC already.
    """
    pki, at = operations.pki, operations.at
    folder = pki.folder / FOLDER
    if (folder / CA_NAME).exists() and not anew:
        raise MisuseError(
            f"{folder}: already has a SPOC", advice="run `personalise eac spoc renew` to renew it"
        )
    _check_host(host)
    if not _CRL_URL.fullmatch(crl_url):
        raise MisuseError(
            f"{crl_url!r} is not an address of the revocation list",
            advice="give one that begins with http, https or ldap",
        )
    label = operations.new_label(SPOC_CA)
    with operations.operation(ISSUE, {"label": label, "host": host}), pki.certifying(label, CURVE):
        ca = _ca(pki, label, crl_url)
        root = ca.issue_root(at)
        crl = ca.issue_crl(1, at)
        require_signed(root, root, Crl.parse(crl))
        write_atomically(folder / CRL_NAME, crl)
        for role in SpocRole:
            _issue(operations, ca, root, role, host)
        write_atomically(folder / CA_NAME, root.der)  # last: without it, all is made anew
    return root


def renew_spoc(operations: PkiOperations, *, revoke: bool = False) -> dict[SpocRole, Certificate]:
    """Make new TLS keys and certificates and a new list; `revoke` enters the old ones in it."""
    pki = operations.pki
    before = {role: tls_certificate(pki.folder, role) for role in SpocRole}
    host = dns_names(before[SpocRole.SERVER])[0]
    revoked = {each.serial for each in before.values()} if revoke else set()
    subject = {"host": host, "revoked": " ".join(f"{each:X}" for each in sorted(revoked))}
    with operations.operation(ISSUE, subject):
        root, ca = _existing(operations)
        made = {role: _issue(operations, ca, root, role, host) for role in SpocRole}
        _write_crl(operations, root, ca, revoked)
    return made


def issue_spoc_crl(operations: PkiOperations) -> Crl:
    """Issue the next revocation list; every 90 days at least."""
    with operations.operation(
        ISSUE, {"number": str((current_crl(operations.pki.folder).number or 0) + 1)}
    ):
        root, ca = _existing(operations)
        return _write_crl(operations, root, ca, set())


def tls_certificate(folder: Path, role: SpocRole) -> Certificate:
    """Return the certificate of one end, from its file; raises `MisuseError` if there is none."""
    return Certificate.parse(_read(folder, f"{STEMS[role]}.cer"))


def _read(folder: Path, name: str) -> bytes:
    path = folder / FOLDER / name
    if not path.is_file():
        raise MisuseError(f"{path}: is missing", advice="run `personalise eac spoc init`")
    return read_bounded(path, _MAX_FILE)


def _issue(
    operations: PkiOperations, ca: SpocCa, root: Certificate, role: SpocRole, host: str
) -> Certificate:
    pki, stem = operations.pki, STEMS[role]
    key = generate_private_key(CURVE)
    made = ca.issue(role, key.public_key, host, operations.at)
    require_signed(root, made)
    pki.local_keys.beside(FOLDER).replace(stem, key)
    write_atomically(pki.folder / FOLDER / f"{stem}.cer", made.der)
    return made


def _existing(operations: PkiOperations) -> tuple[Certificate, SpocCa]:
    pki = operations.pki
    root = ca_certificate(pki.folder)
    (crl_url,) = root.extensions.crl_distribution_points
    return root, _ca(pki, operations.label_of(root.public_key, SPOC_CA), crl_url)


def _ca(pki: IssuingPki, label: str, crl_url: str) -> SpocCa:
    settings = pki.settings
    return SpocCa(
        settings.state,
        settings.country,
        settings.organisation,
        (crl_url,),
        pki.signer(label),
        email=settings.email,
        uri=settings.url,
    )


def ca_certificate(folder: Path) -> Certificate:
    """Return the SPOC CA's certificate."""
    return Certificate.parse(_read(folder, CA_NAME))


def current_crl(folder: Path) -> Crl:
    """Return the SPOC CA's newest revocation list."""
    return Crl.parse(_read(folder, CRL_NAME))


def _write_crl(operations: PkiOperations, root: Certificate, ca: SpocCa, revoked: set[int]) -> Crl:
    folder, at = operations.pki.folder, operations.at
    before = current_crl(folder)
    entries = dict.fromkeys(revoked, at) | dict(before.revoked)
    listed = [RevokedCertificate(serial, when) for serial, when in sorted(entries.items())]
    crl = Crl.parse(ca.issue_crl((before.number or 0) + 1, at, listed))
    require_signed(root, crl)
    write_atomically(folder / FOLDER / CRL_NAME, crl.der)
    return crl


def _check_host(host: str) -> None:
    labels = host.split(".")
    fits = all(each and each.replace("-", "").isalnum() for each in labels)
    if not host.isascii() or len(host) > 253 or not fits:
        raise MisuseError(f"{host!r} is not a host name", advice="give the host of the SPOC's URL")
