"""Making EF.SOD from hashes of data groups, compared with the raw signature in it."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from bench.timing import Ratio, ratio
from emrtd.crypto.hashes import Hash
from emrtd.crypto.key_kinds import generate_private_key
from emrtd.crypto.signatures import SignatureScheme, hash_algorithm, rsa_padding
from emrtd.lds.issuing_state import IssuingState
from emrtd.lds.security.security_object import SecurityObject
from emrtd.lds.security.sod import build_sod
from support.secret import Secret

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
ALLOWED = 1.6


def measure() -> list[Ratio]:
    found: list[Ratio] = []
    for kind in ("brainpoolP256r1", "secp384r1", "RSA-3072"):
        csca = IssuingState.make(AT, key=kind).csca
        key = generate_private_key(kind)
        certificate = csca.issue_document_signer(key.public_key, 1, AT)
        scheme = csca.profile.scheme
        groups = {number: bytes((number,)) * 100 for number in (1, 2, 3, 11, 12, 13, 14)}
        content = SecurityObject.over(groups, Hash.SHA256)

        produce = partial(
            build_sod,
            content,
            key,
            certificate,
            hash=scheme.hash,
            scheme=scheme,
            signing_time=AT,
        )
        raw = partial(raw_signer(key.to_pkcs8(), scheme), b"attributes of their size" * 5)
        found.append(Ratio(f"EF.SOD / raw signature, {kind}", ratio(produce, raw), ALLOWED))
    return found


def raw_signer(key: Secret, scheme: SignatureScheme) -> Callable[[bytes], bytes]:
    """Return a function that only signs with OpenSSL; everything else is prepared before."""
    loaded = load_der_private_key(key.reveal(), None)
    algorithm = hash_algorithm(scheme.hash)
    if isinstance(loaded, RSAPrivateKey):
        padding, algorithm = rsa_padding(scheme)
        return lambda message: loaded.sign(message, padding, algorithm)
    assert isinstance(loaded, EllipticCurvePrivateKey)
    return lambda message: loaded.sign(message, ECDSA(algorithm))
