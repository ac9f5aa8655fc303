"""The TLS contexts of both ends (Doc 9303-12, 4.2.2 and 8.3.2).

TLS 1.3 and the suites with authenticated encryption come first.  The suites that the standard
names (AES in CBC mode with HMAC-SHA-1) come last in the client, which must offer them; the server
takes them only if it is told to.
"""

import ssl
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from emrtd.asn1 import der
from emrtd.pki.pem import encode_pem
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.spoc import SpocRole
from personalise.pki.issuing_pki import IssuingPki
from personalise.spoc.certificates import FOLDER, STEMS, tls_certificate
from personalise.spoc.partners import Partner
from support.errors import MisuseError

MODERN: Final = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM"
STANDARD: Final = (
    f"{MODERN}:ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:DHE-RSA-AES256-SHA"
    ":DHE-RSA-AES128-SHA:AES256-SHA:AES128-SHA"
)

_TLS_PURPOSES: Final = ("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2")


def trusted(partners: Iterable[Partner], role: SpocRole) -> str:
    """Return what OpenSSL is to trust, as PEM, so that it lets these States' ends connect.

    OpenSSL refuses a certificate whose only purpose is a SPOC's, which the standard allows.  It
    takes one that is trusted itself for TLS, if the store has no CA of it: so a State with a pinned
    certificate is there with that alone.  `identity.objection` decides in any case.
    """
    found = []
    for each in partners:
        if role in each.pinned:
            found.append(_trusted(each.pinned[role]))
        else:
            found += [authority.to_pem() for authority in each.authorities]
    return "".join(found)


def client_context(pki: IssuingPki, partner: Partner) -> ssl.SSLContext:
    """Return the context of our client for one State's server; raises `MisuseError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _prepare(context, pki, SpocRole.CLIENT, STANDARD, trusted((partner,), SpocRole.SERVER))
    return context


def server_context(
    pki: IssuingPki,
    partners: Iterable[Partner],
    *,
    standard: bool,
    terminals: Iterable[Certificate] = (),
) -> ssl.SSLContext:
    """Return the context of our server; with `standard` it takes the standard's own suites too.

    `terminals` are the certificates of our own terminals, each known by itself.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    trust = trusted(partners, SpocRole.CLIENT) + "".join(map(_trusted, terminals))
    _prepare(context, pki, SpocRole.SERVER, STANDARD if standard else MODERN, trust)
    return context


def _prepare(
    context: ssl.SSLContext,
    pki: IssuingPki,
    role: SpocRole,
    suites: str,
    trust: str,
) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suites)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    path = pki.folder / FOLDER / f"{STEMS[role]}.p8"
    own = tls_certificate(pki.folder, role).to_pem()
    with TemporaryDirectory() as folder:  # OpenSSL reads these only from files
        key, certificate, anchors = (Path(folder) / name for name in ("key", "own", "trust"))
        key.write_text(encode_pem(path.read_bytes(), "ENCRYPTED PRIVATE KEY"))
        certificate.write_text(own)
        anchors.write_text(trust)
        try:
            context.load_cert_chain(certificate, key, pki.local_keys.passphrase.reveal)
        except ssl.SSLError:
            raise MisuseError(
                f"{path}: the pass phrase does not open this key, or it is not its certificate's",
                advice="make new TLS keys with `personalise eac spoc renew`",
            ) from None
        context.load_verify_locations(anchors)


def _trusted(certificate: Certificate) -> str:
    """Encode a certificate with what it is trusted for (X509_AUX of OpenSSL)."""
    trust = der.sequence(der.sequence(*map(der.oid, _TLS_PURPOSES)))
    return encode_pem(certificate.der + trust, "TRUSTED CERTIFICATE")
