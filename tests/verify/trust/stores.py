"""Two CSCAs, files that they sign, and helpers for stores."""

import base64

from emrtd.asn1 import der
from emrtd.crypto.algorithm_identifiers import encode_hash
from emrtd.crypto.hashes import Hash
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.lists.deviation_list import ID_DEVIATION_LIST
from tests.certificates import (
    DAY,
    NOW,
    Authority,
    key,
)
from verify.trust.entries import TrustEntry
from verify.trust.files import read_trust_file
from verify.trust.importing import import_files
from verify.trust.settlement import Summary
from verify.trust.store import TrustStore

CSCA = Authority()
ELSEWHERE = Authority(country="XX", label="elsewhere", common_name="CSCA Elsewhere")


def add(store: TrustStore, *contents: bytes | str, unverified: bool = False) -> tuple[Summary, ...]:
    files = []
    for number, content in enumerate(contents):
        path = store.path.with_name(f"{number}.file")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        files.append(read_trust_file(path))
    return import_files(store, files, at=NOW, unverified=unverified)


def by_kind(store: TrustStore) -> dict[str, int]:
    kinds = [entry.kind.value for entry in store.entries()]
    return {kind: kinds.count(kind) for kind in kinds}


def only(store: TrustStore) -> TrustEntry:
    (entry,) = store.entries()
    return entry


def ldif(*values: bytes) -> str:
    lines = ["version: 1", "# collection 1", ""]
    for number, value in enumerate(values):
        text = base64.b64encode(value).decode()
        folded = "\n ".join(text[start : start + 60] for start in range(0, len(text), 60))
        lines += [f"dn: cn={number},c=UT,dc=data", f"userCertificate;binary:: {folded}", ""]
    return "\n".join(lines)


def signed_list(content_type: str, purpose: str, authority: Authority, **options: object) -> bytes:
    """Return a Deviation or Defect List without entries."""
    is_deviation_list = content_type == ID_DEVIATION_LIST
    algorithm = encode_hash(Hash.SHA256) if is_deviation_list else der.oid(Hash.SHA256.oid)
    fields = [der.integer(0), algorithm, der.set_of()]
    return build_signed_data(
        content_type,
        der.sequence(*fields),
        key("list signer"),
        authority.list_signer(purpose),
        Hash.SHA256,
        NOW - DAY,
        **options,  # type: ignore[arg-type]
    )
