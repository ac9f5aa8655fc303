"""Passive Authentication of a whole image, compared with the OpenSSL verifications in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

from bench.timing import Ratio, ratio
from emrtd.crypto.ecdsa import public_key
from emrtd.crypto.hashes import Hash
from emrtd.crypto.key_kinds import generate_private_key
from emrtd.crypto.signatures import EcPublicKey, SignatureScheme, VerifyingKey, hash_algorithm
from emrtd.lds.issuing_state import IssuingState
from emrtd.lds.security.security_object import SecurityObject
from emrtd.lds.security.sod import Sod, build_sod
from emrtd.pki.findings import Outcome
from emrtd.pki.passive import examine
from emrtd.pki.path import forget
from emrtd.pki.x509.crl import Crl
from verify.trust.files import TrustFile
from verify.trust.importing import import_files
from verify.trust.store import TrustStore

NAME = "passive_authentication"
AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
DOCUMENTS = 32
ALLOWED_WHOLE, ALLOWED_PROVEN = 2.0, 1.5

SIZES = {1: 95, 2: 15_000, 3: 22_000, 11: 120, 12: 60, 13: 150, 14: 400}
"""Octets of a permit's data groups."""

Work = Callable[[], None]


@dataclass(frozen=True)
class Document:
    """A document with its own Document Signer, and the raw verifications that it requires."""

    sod: bytes
    data_groups: dict[int, bytes]
    raw_signer: Work
    raw_sod: Work


def measure() -> list[Ratio]:
    found: list[Ratio] = []
    for kind in ("brainpoolP256r1", "brainpoolP384r1"):
        state = IssuingState.make(AT, key=kind)
        with TemporaryDirectory() as folder, make_store(state, Path(folder)) as store:
            documents = cycle(
                [make_document(state, kind, number) for number in range(1, DOCUMENTS)]
            )
            found += measure_documents(documents, store, kind)
    return found


def measure_documents(
    documents: Iterator[Document], store: TrustStore, kind: str
) -> Iterator[Ratio]:
    def whole() -> None:
        forget()
        authenticate(next(documents), store)

    def proven() -> None:
        authenticate(next(documents), store)

    def both() -> None:
        document = next(documents)
        document.raw_signer()
        document.raw_sod()

    def one() -> None:
        next(documents).raw_sod()

    yield Ratio(f"image / two raw verifications, {kind}", ratio(whole, both), ALLOWED_WHOLE)
    for _ in range(DOCUMENTS):
        proven()
    yield Ratio(
        f"image, DS proven before / one raw verification, {kind}",
        ratio(proven, one),
        ALLOWED_PROVEN,
    )


def authenticate(document: Document, store: TrustStore) -> None:
    sod = Sod.parse(document.sod)
    examination = examine(sod.signed_data, store, at=AT, tolerated=sod.tolerated)
    assert all(each.outcome is Outcome.PASSED for each in examination.checks)
    digest, hashes = sod.security_object.hash_algorithm.digest, sod.security_object.hashes
    assert all(digest(octets) == hashes[number] for number, octets in document.data_groups.items())


def make_store(state: IssuingState, folder: Path) -> TrustStore:
    store = TrustStore.open(folder / "trust.db", create=True)
    contents = (state.csca_certificate, Crl.parse(state.crl))
    import_files(store, [TrustFile("csca", b"", contents)], at=AT)
    return store


def make_document(state: IssuingState, kind: str, number: int) -> Document:
    key = generate_private_key(kind)
    ds = state.csca.issue_document_signer(key.public_key, number, AT)
    data_groups = {each: bytes((each, number)) * (size // 2) for each, size in SIZES.items()}
    scheme = state.csca.profile.scheme
    content = SecurityObject.over(data_groups, Hash.SHA256)
    octets = build_sod(content, key, ds, scheme=scheme, hash=scheme.hash)
    (signer,) = Sod.parse(octets).signed_data.signers
    return Document(
        octets,
        data_groups,
        raw_verification(state.csca_certificate.public_key, scheme, ds.signature, ds.tbs),
        raw_verification(ds.public_key, scheme, signer.signature, signer.signed_attributes),
    )


def raw_verification(
    key: VerifyingKey | None, scheme: SignatureScheme, signature: bytes, message: bytes | None
) -> Work:
    """Return a function that only verifies with OpenSSL; everything else is prepared before."""
    assert isinstance(key, EcPublicKey)
    assert message is not None
    octets = message
    loaded = public_key(key.curve, key.point)
    algorithm = ECDSA(hash_algorithm(scheme.hash))
    return lambda: loaded.verify(signature, octets, algorithm)
