"""The lists that DE and NL publish."""

import pytest

from tests.certificates import (
    NOW,
)
from tests.helpers import shared
from verify.trust.files import read_trust_file
from verify.trust.importing import import_files
from verify.trust.kinds import TrustEntryKind
from verify.trust.store import TrustStore


@pytest.mark.parametrize(
    ("name", "total", "verified"),
    [("DE_ML_2026-05-28-08-28-45.ml", 588, 576), ("NL_ML_2026-07-22.ml", 411, 411)],
)
def test_every_certificate_of_the_real_lists_is_imported(
    store: TrustStore, name: str, total: int, verified: int
) -> None:
    file = read_trust_file(shared(f"data/trust/{name}"))
    (summary,) = import_files(store, [file], at=NOW)
    assert (summary.added, summary.verified, summary.left_out) == (total, verified, ())
    entries = store.entries()
    assert all(entry.usable for entry in entries)
    assert {entry.kind for entry in entries} <= {TrustEntryKind.CSCA, TrustEntryKind.LINK}
    explained = {entry.explanation for entry in entries if not entry.verified}
    assert explained <= {"the key that signed it is not in the store"}


def test_the_real_lists_are_imported_together_with_their_roots(store: TrustStore) -> None:
    names = (
        "DE_ML_2026-05-28-08-28-45.ml", "NL_ML_2026-07-22.ml", "DE_ROOT_CA_CSCA07.cer",
        "NL_ROOT_CA.cer",
    )  # fmt: skip
    files = [read_trust_file(shared(f"data/trust/{name}")) for name in names]
    import_files(store, files, at=NOW)
    assert {source.note.split("through ")[-1] for source in store.sources() if source.note} == {
        "a CSCA in the store"
    }
    assert len(store.entries()) == 627
