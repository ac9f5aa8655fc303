import base64
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from emrtd.asn1 import der
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import PublicKey
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.findings import Outcome
from emrtd.pki.lists.defect_list import ID_DEFECT_LIST
from emrtd.pki.lists.deviation_list import ID_DEVIATION_LIST, DeviationList
from emrtd.pki.lists.master_list import encode_master_list
from emrtd.pki.path import validate
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.algorithms import encode_hash
from emrtd.pki.x509.certificates import Certificate
from support.errors import ChipsealError, MalformedError, MisuseError
from tests.certificates import (
    DAY,
    NOW,
    Authority,
    ec_key,
    extended_key_usage,
    key,
    key_usage,
    make_certificate,
)
from tests.helpers import REPOSITORY, shared
from verify.commands.trust import trust
from verify.trust import gathering
from verify.trust.authorities import Candidate, settle_candidates
from verify.trust.entries import Entry, Kind
from verify.trust.files import read_trust_file
from verify.trust.importing import import_files
from verify.trust.removal import remove_entries
from verify.trust.settlement import Known, Summary
from verify.trust.settling import settle
from verify.trust.store import TrustStore

CSCA = Authority()
ELSEWHERE = Authority(country="XX", label="elsewhere", common_name="CSCA Elsewhere")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TrustStore]:
    with TrustStore.open(tmp_path / "trust.db", create=True) as opened:
        yield opened


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


def only(store: TrustStore) -> Entry:
    (entry,) = store.entries()
    return entry


def ldif(*values: bytes) -> str:
    lines = ["version: 1", "# collection 1", ""]
    for number, value in enumerate(values):
        text = base64.b64encode(value).decode()
        folded = "\n ".join(text[start : start + 60] for start in range(0, len(text), 60))
        lines += [f"dn: cn={number},c=UT,dc=data", f"userCertificate;binary:: {folded}", ""]
    return "\n".join(lines)


# --- single certificates and CRLs ----------------------------------------------------------------


def test_a_csca_chosen_by_the_operator_is_trusted(store: TrustStore) -> None:
    (summary,) = add(store, CSCA.certificate().der)
    assert (summary.added, summary.verified) == (1, 1)
    entry = only(store)
    assert entry.kind is Kind.CSCA
    assert (entry.country, entry.key, entry.subject) == (
        "UT", "brainpoolP256r1", "CN=CSCA Utopia,C=UT"
    )  # fmt: skip
    assert entry.usable
    assert entry.verified
    assert entry.trusted
    assert entry.sources == ("0.file",)


def test_pem_holds_several(store: TrustStore) -> None:
    text = CSCA.certificate().to_pem() + "a comment\n" + ELSEWHERE.certificate().to_pem()
    add(store, text)
    assert by_kind(store) == {"csca": 2}


def test_everything_that_a_csca_signs_is_verified_by_it(store: TrustStore) -> None:
    new = CSCA.renewed("CSCA 2")
    add(
        store,
        CSCA.crl([5]),
        CSCA.issue().der,
        CSCA.list_signer(ext.MASTER_LIST_SIGNER).der,
        CSCA.list_signer(ext.DEVIATION_LIST_SIGNER, "other signer").der,
        CSCA.link(new).der,
        CSCA.certificate().der,
    )
    assert by_kind(store) == {
        "csca": 1, "link": 1, "ds": 1, "crl": 1,
        "master-list-signer": 1, "deviation-list-signer": 1,
    }  # fmt: skip
    assert all(entry.verified and entry.trusted for entry in store.entries())


@pytest.mark.parametrize(
    "octets",
    [
        CSCA.issue().der,
        CSCA.crl(),
        CSCA.link(CSCA.renewed("CSCA 2")).der,
        ELSEWHERE.crl(issuer=CSCA.name),
        CSCA.master_list(CSCA.certificate(), signer=CSCA.issue("list signer")),
    ],
    ids=["ds", "crl", "link", "another's crl", "list"],
)
def test_what_does_not_verify_is_refused_and_nothing_is_changed(
    store: TrustStore, octets: bytes
) -> None:
    add(store, ELSEWHERE.certificate().der)
    before = store.path.read_bytes()
    with pytest.raises(MisuseError, match="--unverified"):
        add(store, CSCA.renewed("unrelated", common_name="CSCA Three").certificate().der, octets)
    assert store.path.read_bytes() == before


def test_what_does_not_verify_is_taken_where_it_is_asked_for(store: TrustStore) -> None:
    add(store, CSCA.issue().der, unverified=True)
    assert not only(store).verified
    add(store, CSCA.certificate().der)
    add(store, CSCA.issue().der)
    assert all(entry.trusted for entry in store.entries())


def test_a_wrong_signature_is_never_trusted(store: TrustStore) -> None:
    octets = bytearray(CSCA.certificate().der)
    octets[-1] ^= 1
    with pytest.raises(MisuseError, match="its own signature is wrong"):
        add(store, bytes(octets))
    add(store, bytes(octets), unverified=True)
    assert not only(store).trusted
    path = validate(CSCA.issue(), store, at=NOW)
    assert path.anchor is None


@pytest.mark.parametrize(
    "octets",
    [b"", b"nothing", b"\x30\x03\x02\x01\x00", CSCA.certificate().der + b"\0", CSCA.crl()[:-1],
     CSCA.certificate().der[:-1], b"-----BEGIN CERTIFICATE-----\nMIIB!\n-----END CERTIFICATE-----"],
)  # fmt: skip
def test_a_file_that_is_nothing_known_is_malformed(store: TrustStore, octets: bytes) -> None:
    with pytest.raises(MalformedError, match=r"0\.file"):
        add(store, octets)


def test_the_content_of_a_list_without_its_signature_is_told(store: TrustStore) -> None:
    with pytest.raises(MalformedError, match="without the signature: add the list itself"):
        add(store, encode_master_list([CSCA.certificate()]))


def test_a_newer_crl_takes_the_place_of_an_older_one(store: TrustStore) -> None:
    old = CSCA.crl([5], issued=NOW - 40 * DAY, next_update=NOW - 10 * DAY)
    new = CSCA.crl([5, 6], number=2)
    add(store, CSCA.certificate().der, old)
    add(store, new)
    (crl,) = store.crls_of_country("UT")
    assert set(crl.revoked) == {5, 6}
    (summary,) = add(store, old)
    assert (summary.added, summary.known) == (0, 0)
    assert "a newer one is in the store" in summary.left_out[0]
    assert by_kind(store) == {"csca": 1, "crl": 1}


def test_a_crl_that_revokes_what_a_newer_one_forgot_is_kept(store: TrustStore) -> None:
    old = CSCA.crl([5], issued=NOW - 40 * DAY, next_update=NOW - 10 * DAY)
    other = CSCA.renewed("CSCA 2")
    add(store, CSCA.certificate().der, CSCA.link(other).der, old, CSCA.crl([6]), other.crl())
    assert by_kind(store) == {"csca": 1, "link": 1, "crl": 3}


# --- Master Lists --------------------------------------------------------------------------------


def test_the_first_list_of_a_state_brings_its_own_csca(store: TrustStore) -> None:
    octets = CSCA.master_list(CSCA.certificate(), ELSEWHERE.certificate())
    (summary,) = add(store, octets)
    assert (summary.added, summary.verified) == (2, 2)
    assert "its own CSCA" in summary.note
    assert by_kind(store) == {"csca": 2}
    (source,) = store.sources()
    assert (source.name, source.entries, source.note) == ("0.file", 2, summary.note)


def test_a_list_is_vouched_for_by_a_csca_of_the_store(store: TrustStore) -> None:
    add(store, CSCA.certificate().der)
    (summary,) = add(store, CSCA.master_list(ELSEWHERE.certificate()))
    assert "a CSCA in the store" in summary.note


def test_a_list_may_come_by_a_link_from_the_key_that_is_known(store: TrustStore) -> None:
    add(store, CSCA.certificate().der)
    new = CSCA.renewed("CSCA 2")
    (summary,) = add(store, new.master_list(CSCA.link(new), new.certificate()))
    assert "link certificate" in summary.note


@pytest.mark.parametrize("collection", [False, True])
def test_lists_are_taken_in_whatever_order_they_stand(store: TrustStore, collection: bool) -> None:
    """The CSCA of the older list is known only by the newer one, and the store only its heir."""
    new = CSCA.renewed("CSCA 2")
    older = CSCA.master_list(CSCA.certificate())
    newer = new.master_list(CSCA.certificate(), CSCA.link(new), new.certificate())
    add(store, new.certificate().der)
    with pytest.raises(MisuseError, match="not the key that is to have signed"):
        add(store, older)
    lists = [ldif(older, newer)] if collection else [older, newer]
    summaries = add(store, *lists)
    assert not [reason for summary in summaries for reason in summary.left_out]
    assert by_kind(store) == {"csca": 2, "link": 1}
    assert all(entry.verified and entry.trusted for entry in store.entries())


def test_a_forged_list_of_a_state_that_is_known_is_refused(store: TrustStore) -> None:
    """Signed by a CSCA of the same name and country, which it brings along."""
    add(store, CSCA.certificate().der)
    forged = CSCA.renewed("forged")
    for certificates in ([forged.certificate()], [CSCA.certificate(), forged.certificate()]):
        with pytest.raises(MisuseError):
            add(store, forged.master_list(*certificates))
    assert by_kind(store) == {"csca": 1}


def test_a_document_signer_cannot_sign_a_list(store: TrustStore) -> None:
    add(store, CSCA.certificate().der)
    with pytest.raises(MisuseError, match="lacks the extended key usage"):
        add(store, CSCA.master_list(ELSEWHERE.certificate(), signer=CSCA.issue("list signer")))


def test_a_csca_may_sign_its_list_itself(store: TrustStore) -> None:
    """As DE did in 2019."""
    csca = Authority(label="list signer")
    add(store, csca.certificate().der)
    add(store, csca.master_list(ELSEWHERE.certificate(), signer=csca.certificate()))
    assert by_kind(store) == {"csca": 2}


def test_the_signer_of_an_old_list_may_have_expired_since(store: TrustStore) -> None:
    expired = CSCA.list_signer(ext.MASTER_LIST_SIGNER, not_after=NOW - 5 * DAY)
    own = CSCA.certificate()
    add(store, CSCA.master_list(own, signer=expired, signed=NOW - 10 * DAY))
    with pytest.raises(MisuseError, match="valid until"):
        add(store, CSCA.master_list(own, signer=expired, signed=NOW - 2 * DAY))


def test_a_list_of_a_revoked_signer_is_refused(store: TrustStore) -> None:
    add(store, CSCA.certificate().der, CSCA.crl([200]))
    with pytest.raises(MisuseError, match="revoked"):
        add(store, CSCA.master_list(ELSEWHERE.certificate()))


@pytest.mark.parametrize("position", [-1, -100, 200, 700])
def test_a_damaged_list_is_refused(store: TrustStore, position: int) -> None:
    octets = bytearray(CSCA.master_list(CSCA.certificate(), ELSEWHERE.certificate()))
    octets[position] ^= 0xFF
    with pytest.raises(ChipsealError):
        add(store, bytes(octets))
    assert not store.entries()


@pytest.mark.parametrize("cut", [1, 10, 500])
def test_a_truncated_list_is_refused(store: TrustStore, cut: int) -> None:
    octets = CSCA.master_list(CSCA.certificate(), ELSEWHERE.certificate())
    for bad in (octets[:-cut], octets + bytes(cut)):
        with pytest.raises(MalformedError):
            add(store, bad)
    assert not store.entries()


def test_what_a_list_holds_is_taken_and_explained(store: TrustStore) -> None:
    """A link whose issuer is in no list, and a certificate whose signature is wrong."""
    old, new = Authority(label="old"), Authority(label="new")
    damaged = bytearray(ELSEWHERE.certificate().der)
    damaged[-1] ^= 1
    wrong = Certificate.parse(bytes(damaged))
    (summary,) = add(store, CSCA.master_list(CSCA.certificate(), old.link(new), wrong))
    assert (summary.added, summary.verified) == (3, 1)
    bad, link = sorted((e for e in store.entries() if not e.verified), key=lambda e: e.kind)
    assert (link.kind, link.trusted) == (Kind.LINK, True)
    assert "not in the store" in link.explanation
    assert (bad.kind, bad.trusted) == (Kind.CSCA, False)
    assert "signature is wrong" in bad.explanation
    add(store, old.certificate().der)
    assert [entry.verified for entry in store.entries(kind=Kind.LINK)] == [True]


def test_imports_are_idempotent(store: TrustStore) -> None:
    octets = CSCA.master_list(CSCA.certificate(), ELSEWHERE.certificate())
    add(store, octets)
    before = [entry.as_json() for entry in store.entries()], store.sources()
    (summary,) = add(store, octets)
    assert (summary.added, summary.known, summary.verified) == (0, 2, 2)
    assert ([entry.as_json() for entry in store.entries()], store.sources()) == before


def test_an_entry_says_every_file_that_it_came_from(store: TrustStore) -> None:
    add(store, CSCA.certificate().der, CSCA.master_list(CSCA.certificate()))
    assert only(store).sources == ("0.file", "1.file")


def test_a_signer_of_the_store_that_a_list_holds_becomes_what_the_list_says(
    store: TrustStore,
) -> None:
    """Lists hold certificates that are no CA's: one may have come as a Document Signer before."""
    ds = CSCA.issue("DS 1")
    add(store, CSCA.certificate().der, ds.der)
    assert by_kind(store) == {"csca": 1, "ds": 1}
    (summary,) = add(store, CSCA.master_list(CSCA.certificate(), ds))
    assert (summary.added, summary.known, summary.verified) == (0, 2, 2)
    assert by_kind(store) == {"csca": 1, "link": 1}
    again = add(store, ds.der)
    assert (again[0].known, by_kind(store)) == (1, {"csca": 1, "link": 1})


# --- LDIF ----------------------------------------------------------------------------------------


def test_a_collection_is_taken_as_far_as_it_verifies(store: TrustStore) -> None:
    add(store, CSCA.certificate().der)
    (summary,) = add(
        store,
        ldif(CSCA.issue().der, CSCA.crl(), ELSEWHERE.issue().der, ELSEWHERE.crl(), b"\x30\x01"),
    )
    assert (summary.added, summary.verified, len(summary.left_out)) == (2, 2, 3)
    assert by_kind(store) == {"csca": 1, "ds": 1, "crl": 1}


def test_a_collection_of_master_lists(store: TrustStore) -> None:
    forged = CSCA.renewed("forged")
    first = CSCA.master_list(CSCA.certificate())
    (summary,) = add(store, ldif(first, forged.master_list(forged.certificate())))
    assert by_kind(store) == {"csca": 1}
    assert len(summary.left_out) == 1


@pytest.mark.parametrize("before", [True, False], ids=["before", "in one command"])
def test_nobody_vouches_for_a_list_of_a_stranger_in_a_collection(
    store: TrustStore, before: bool
) -> None:
    """Wrapped into a list of its own, a CSCA that nobody chose would bring any State's with it."""
    forged = CSCA.renewed("forged")
    stranger = ldif(ELSEWHERE.master_list(ELSEWHERE.certificate(), forged.certificate()))
    if before:
        add(store, CSCA.certificate().der)
        (summary,) = add(store, stranger)
    else:
        _, summary = add(store, CSCA.certificate().der, stranger)
    assert "the trust store has no CSCA of XX" in summary.left_out[0]
    assert by_kind(store) == {"csca": 1}
    assert validate(forged.issue(), store, at=NOW).anchor is None


def test_nobody_vouches_for_a_csca_in_a_collection(store: TrustStore) -> None:
    (summary,) = add(store, ldif(CSCA.certificate().der))
    assert not store.entries()
    assert "nobody vouches" in summary.left_out[0]
    new = CSCA.renewed("CSCA 2")
    add(store, CSCA.certificate().der)
    add(store, ldif(CSCA.link(new).der))
    assert by_kind(store) == {"csca": 1, "link": 1}


def test_what_a_list_vouches_for_later_is_proven_anew(store: TrustStore) -> None:
    """Nobody vouched for the link when it was first seen, and its issuer was not known."""
    old, new = Authority(label="old"), Authority(label="new")
    link = old.link(new)
    listed = CSCA.master_list(CSCA.certificate(), old.certificate(), link)
    add(store, ldif(link.der, listed))
    assert all(entry.verified and entry.trusted for entry in store.entries())
    assert by_kind(store) == {"csca": 2, "link": 1}


def test_ldif_that_is_no_base64(store: TrustStore) -> None:
    with pytest.raises(MalformedError, match="line 2 is not base64"):
        add(store, "dn: cn=1\nuserCertificate;binary:: M!!A\n")


# --- the pure step ------------------------------------------------------------------------------


def test_what_files_come_to_is_settled_without_a_store(tmp_path: Path) -> None:
    paths = {"csca.cer": CSCA.certificate().der, "ds.cer": CSCA.issue().der}
    for name, octets in paths.items():
        (tmp_path / name).write_bytes(octets)
    files = [read_trust_file(tmp_path / name) for name in paths]
    settlement = settle(Known(), files, at=NOW)
    assert [row.standing.kind for row in settlement.entries] == [Kind.CSCA, Kind.DOCUMENT_SIGNER]
    assert all(row.standing.verified and row.standing.trusted for row in settlement.entries)
    assert [row.files for row in settlement.entries] == [(0,), (1,)]
    assert [summary.added for summary in settlement.summaries] == [1, 1]
    assert settle(Known(), files, at=NOW) == settlement
    with pytest.raises(MisuseError, match="no CSCA of UT"):
        settle(Known(), files[1:], at=NOW)


def test_the_authorities_are_not_proven_again_for_every_signer(
    store: TrustStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of 30,000 Document Signers is one file each."""
    rounds: list[int] = []

    def counted(candidates: Mapping[Certificate, Candidate]) -> dict[Certificate, Candidate]:
        rounds.append(len(candidates))
        return settle_candidates(candidates)

    monkeypatch.setattr(gathering, "settle_candidates", counted)
    signers = [CSCA.issue(serial=number + 1).der for number in range(20)]
    add(store, CSCA.certificate().der, *signers)
    assert by_kind(store) == {"csca": 1, "ds": 20}
    assert len(rounds) <= 2


# --- what is asked while a document is judged ----------------------------------------------------


def test_a_path_is_found_through_the_store(store: TrustStore) -> None:
    new = CSCA.renewed("CSCA 2", common_name="CSCA of New Utopia")
    add(store, CSCA.certificate().der, CSCA.link(new).der, new.crl())
    for ds in (CSCA.issue(), new.issue(), CSCA.issue(extensions=[])):
        path = validate(ds, store, at=NOW)
        assert {finding.outcome for finding in path.checks} == {Outcome.PASSED}
        assert path.anchor is not None
        assert path.anchor.source.endswith(".file")
    assert store.document_signers(100, None) == []
    add(store, CSCA.issue().der)
    assert [ds.serial for ds in store.document_signers(100, None)] == [100]


def test_another_process_may_write_meanwhile(store: TrustStore) -> None:
    assert validate(CSCA.issue(), store, at=NOW).anchor is None
    with TrustStore.open(store.path) as other:
        add(other, CSCA.certificate().der)
    time.sleep(0.05)
    assert validate(CSCA.issue(), store, at=NOW).anchor is not None


def test_a_certificate_that_is_no_ca_is_no_anchor(store: TrustStore) -> None:
    plain = [key_usage(ext.KeyUsage.DIGITAL_SIGNATURE), extended_key_usage("1.2.3")]
    add(store, CSCA.certificate().der, CSCA.issue(extensions=plain).der)
    assert [entry.kind for entry in store.entries()] == [Kind.CSCA, Kind.DOCUMENT_SIGNER]
    assert len(store.anchors_of_country("UT")) == 1


# --- the file ------------------------------------------------------------------------------------


def test_a_full_disk_in_the_middle_changes_nothing(store: TrustStore) -> None:
    add(store, ELSEWHERE.certificate().der)
    before = store.path.read_bytes()
    pages = len(before) // 4096
    store._database.run(f"PRAGMA max_page_count = {pages + 2}")
    others = [CSCA.renewed(f"CSCA {number}").certificate() for number in range(2, 30)]
    with pytest.raises(OSError, match="the disk is full; nothing was changed"):
        add(store, CSCA.master_list(CSCA.certificate(), *others))
    assert store.path.read_bytes() == before
    assert len(store.entries()) == 1


@pytest.mark.parametrize("content", [b"no database at all" * 100, b""])
def test_a_file_that_is_no_trust_store(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(MalformedError, match="is not a trust store"):
        TrustStore.open(path)
    assert path.read_bytes() == content


def test_another_database_is_no_trust_store(tmp_path: Path) -> None:
    path = tmp_path / "other"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE entry (id INTEGER)")
    with pytest.raises(MalformedError, match="is not a trust store"):
        TrustStore.open(path, create=True)


def test_no_trust_store(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="there is no trust store"):
        TrustStore.open(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


def test_entries_are_removed_with_what_is_left_of_their_source(store: TrustStore) -> None:
    add(store, CSCA.certificate().der, ELSEWHERE.certificate().der)
    first, second = store.entries()
    assert remove_entries(store, [first], at=NOW) == (1, [])
    assert only(store) == second
    assert len(store.sources()) == 1
    assert validate(CSCA.issue(), store, at=NOW).anchor is None


def test_what_rested_on_a_removed_csca_is_trusted_no_more(store: TrustStore) -> None:
    new, newest = CSCA.renewed("CSCA 2"), CSCA.renewed("CSCA 3")
    links = [CSCA.link(new).der, new.link(newest).der]
    add(store, CSCA.certificate().der, *links, newest.issue().der, newest.crl())
    assert validate(newest.issue(), store, at=NOW).anchor is not None
    csca = store.entries(kind=Kind.CSCA)
    removed, orphans = remove_entries(store, csca, at=NOW)
    assert (removed, len(orphans)) == (1, 4)
    assert validate(newest.issue(), store, at=NOW).anchor is None
    assert not any(entry.verified or entry.trusted for entry in store.entries())


def test_what_a_master_list_holds_does_not_rest_on_a_link(store: TrustStore) -> None:
    new = CSCA.renewed("CSCA 2")
    add(store, CSCA.master_list(CSCA.certificate(), CSCA.link(new)))
    remove_entries(store, store.entries(kind=Kind.CSCA), at=NOW)
    assert (only(store).verified, only(store).trusted) == (False, True)


def test_a_list_vouches_for_what_it_holds_and_not_for_what_is_beside_it(store: TrustStore) -> None:
    link = CSCA.link(CSCA.renewed("CSCA 2"))
    roots = CSCA.certificate().der, ELSEWHERE.certificate().der
    add(store, *roots, ldif(ELSEWHERE.master_list(ELSEWHERE.certificate()), link.der))
    remove_entries(store, store.entries(kind=Kind.CSCA, country="UT"), at=NOW)
    (entry,) = store.entries(country="UT")
    assert not entry.trusted
    assert validate(CSCA.renewed("CSCA 2").issue(), store, at=NOW).anchor is None


def test_links_that_prove_one_another_hold_up_nothing(store: TrustStore) -> None:
    """A thief of the old key makes a new one, and a link back from that to the old."""
    new = CSCA.renewed("CSCA 2")
    add(store, CSCA.certificate().der, CSCA.link(new).der, new.link(CSCA, serial=3).der)
    assert all(entry.trusted for entry in store.entries())
    removed, orphans = remove_entries(store, store.entries(kind=Kind.CSCA), at=NOW)
    assert (removed, len(orphans)) == (1, 2)
    assert not any(entry.verified or entry.trusted for entry in store.entries())
    for authority in (CSCA, new):
        assert validate(authority.issue(), store, at=NOW).anchor is None


def signed_list(content_type: str, purpose: str, authority: Authority, **options: object) -> bytes:
    """A Deviation or Defect List that says nothing."""
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


@pytest.mark.parametrize("content_type", [ID_DEVIATION_LIST, ID_DEFECT_LIST])
def test_a_list_does_not_outlive_the_csca_of_its_signer(
    store: TrustStore, content_type: str
) -> None:
    listed = signed_list(content_type, ext.DEVIATION_LIST_SIGNER, ELSEWHERE)
    add(store, CSCA.certificate().der, ELSEWHERE.certificate().der, listed)
    found = [*store.deviation_lists("XX"), *store.defect_lists()]
    assert len(found) == 1
    remove_entries(store, store.entries(kind=Kind.CSCA, country="UT"), at=NOW)
    assert [*store.deviation_lists("XX"), *store.defect_lists()] == found
    remove_entries(store, store.entries(kind=Kind.CSCA, country="XX"), at=NOW)
    assert not store.deviation_lists("XX")
    assert not store.defect_lists()


def test_certificates_that_all_name_one_another_keep_no_import_busy(
    store: TrustStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is tried on a bounded number of others, whatever their names and keys say."""
    tried: list[Certificate] = []
    signed_by = Certificate.verify_signed_by

    def counted(certificate: Certificate, key: PublicKey) -> None:
        tried.append(certificate)
        signed_by(certificate, key)

    monkeypatch.setattr(Certificate, "verify_signed_by", counted)
    one = Authority("XX", "one", common_name="one")
    crowd = [
        make_certificate(
            one.name, one.name, ec_key(f"{number:03}", one.kind).public_key, one.key,
            one.extensions(), serial=number + 1,
        )
        for number in range(100)
    ]  # fmt: skip
    root = Authority("XX", "root", common_name="root").certificate()
    add(store, root.der)
    tried.clear()
    (summary,) = add(store, ldif(*[each.der for each in crowd]))
    assert len(summary.left_out) == len(crowd)
    assert len(tried) <= 2 * len(crowd)
    listed = Authority("XX", "root", common_name="root").master_list(*crowd)
    tried.clear()
    add(store, listed)
    assert len(tried) < 40 * len(crowd)


# --- one State's word on another's ---------------------------------------------------------------


@pytest.mark.parametrize("alone", [True, False], ids=["a file", "a collection"])
def test_no_states_csca_makes_an_anchor_of_another_state(store: TrustStore, alone: bool) -> None:
    """With such a link it could sign that State's documents, and the CRL that clears them."""
    forged = CSCA.renewed("of another State")
    cross = ELSEWHERE.link(forged)
    add(store, CSCA.certificate().der, ELSEWHERE.certificate().der)
    if alone:
        with pytest.raises(MisuseError, match="nobody vouches for it"):
            add(store, cross.der)
    else:
        (summary,) = add(store, ldif(cross.der))
        assert "nobody vouches for it" in summary.left_out[0]
    assert by_kind(store) == {"csca": 2}
    assert validate(forged.issue(), store, at=NOW).anchor is None


def test_a_document_signer_makes_no_anchor_though_a_list_has_it(store: TrustStore) -> None:
    """Lists hold certificates that are no CA's; their keys are no CA's for that."""
    signer = Authority(label="DS 1", common_name="DS 1")
    rogue = CSCA.renewed("rogue")
    add(store, CSCA.certificate().der)
    add(store, CSCA.master_list(CSCA.certificate(), CSCA.issue("DS 1")))
    with pytest.raises(MisuseError, match="nobody vouches for it"):
        add(store, signer.link(rogue).der)
    (summary,) = add(store, ldif(signer.link(rogue).der))
    assert summary.left_out
    assert validate(rogue.issue(), store, at=NOW).anchor is None


def test_a_list_is_of_the_state_that_signed_it(store: TrustStore) -> None:
    """Whatever certificate stands before the signer's, and whatever the signer is called."""
    listed = signed_list(
        ID_DEVIATION_LIST, ext.DEVIATION_LIST_SIGNER, ELSEWHERE, others=[CSCA.certificate()]
    )
    add(store, CSCA.certificate().der, ELSEWHERE.certificate().der, listed)
    assert not store.deviation_lists("UT")
    (found,) = store.deviation_lists("XX")
    for order in (1, -1):
        certificates = found.signed_data.certificates[::order]
        data = msgspec.structs.replace(found.signed_data, certificates=certificates)
        assert DeviationList(data, ()).country == "XX"
    named = signed_list(
        ID_DEVIATION_LIST, ext.DEVIATION_LIST_SIGNER, ELSEWHERE, by_key_identifier=True
    )
    assert DeviationList.parse(named).country == "XX"


# --- real lists ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "total", "verified"),
    [("DE_ML_2026-05-28-08-28-45.ml", 588, 576), ("NL_ML_2026-07-22.ml", 411, 411)],
)
def test_real_lists_load_whole(store: TrustStore, name: str, total: int, verified: int) -> None:
    file = read_trust_file(shared(f"data/trust/{name}"))
    (summary,) = import_files(store, [file], at=NOW)
    assert (summary.added, summary.verified, summary.left_out) == (total, verified, ())
    entries = store.entries()
    assert all(entry.usable for entry in entries)
    assert {entry.kind for entry in entries} <= {Kind.CSCA, Kind.LINK}
    explained = {entry.explanation for entry in entries if not entry.verified}
    assert explained <= {"the key that signed it is not in the store"}


def test_real_lists_and_their_roots_together(store: TrustStore) -> None:
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


def test_the_documented_table_is_what_the_command_prints(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "trust-lists.md").read_text(encoding="utf-8")
    run("add", tmp_path / "de.db", shared("data/trust/DE_ML_2026-05-28-08-28-45.ml"))
    assert run("list", tmp_path / "de.db", "--unverified", "--markdown").output in page


# --- the command ---------------------------------------------------------------------------------


def run(*arguments: object) -> Result:
    return CliRunner().invoke(trust, [str(argument) for argument in arguments])


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    contents = {
        "csca.der": CSCA.certificate().der,
        "list.ml": CSCA.master_list(CSCA.certificate(), ELSEWHERE.certificate()),
        "ut.crl": CSCA.crl([7]),
    }
    paths = {name: tmp_path / name for name in contents}
    for name, content in contents.items():
        paths[name].write_bytes(content)
    return paths


def test_the_command_fills_and_lists_a_store(tmp_path: Path, files: dict[str, Path]) -> None:
    store = tmp_path / "trust.db"
    added = run("add", store, *files.values())
    assert added.exit_code == 0, added.output
    assert "list.ml: 2 entries, 1 of them new, 2 verified" in added.output
    entries = json.loads(run("list", store, "--json").output)
    assert [(e["kind"], e["country"]) for e in entries] == [
        ("crl", "UT"), ("csca", "UT"), ("csca", "XX")
    ]  # fmt: skip
    for entry in entries:
        assert {"kind", "country", "subject", "key", "usable", "verified", "source"} <= set(entry)
        assert entry["usable"] is True
        assert entry["verified"] is True
    assert entries[1]["source"] == "csca.der, list.ml"
    assert run("list", store, "--country", "xx").output.count("\n") == 1
    assert run("list", store, "--unverified").output == ""


def test_the_command_shows_removes_and_exports(tmp_path: Path, files: dict[str, Path]) -> None:
    store = tmp_path / "trust.db"
    run("add", store, *files.values())
    fingerprint = CSCA.certificate().fingerprint.hex()
    (entry, *_) = json.loads(run("list", store, "--json", "--kind", "csca").output)
    shown = json.loads(run("show", store, entry["fingerprint"][:12], "--json").output)
    assert shown == [entry]
    assert "list.ml" in run("show", store).output
    out = tmp_path / "all.pem"
    assert run("export", store, "-o", out).exit_code == 0
    assert out.read_text().count("-----BEGIN CERTIFICATE-----") == 2
    assert out.read_text().count("-----BEGIN X509 CRL-----") == 1
    again = tmp_path / "again.db"
    assert run("add", again, out).exit_code == 0
    assert len(json.loads(run("list", again, "--json").output)) == 3
    assert "1 entry removed" in run("remove", store, entry["fingerprint"]).output
    assert isinstance(run("show", store, fingerprint[:4]).exception, MisuseError)
    assert run("remove", store, "--source", "ut.crl").output == "1 entry removed\n"


def test_a_failed_first_import_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "ds.der"
    path.write_bytes(CSCA.issue().der)
    store = tmp_path / "trust.db"
    assert isinstance(run("add", store, path).exception, MisuseError)
    assert not store.exists()
    assert run("add", store, path, "--unverified").exit_code == 0


def test_a_store_that_another_process_makes_meanwhile_is_added_to(
    tmp_path: Path, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "trust.db"
    link = os.link

    def late(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        assert run("add", target, files["csca.der"]).exit_code == 0
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    assert "2 entries, 1 of them new" in run("add", store, files["list.ml"]).output
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*files, "trust.db"])


def test_an_import_that_is_killed_leaves_what_was_there(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    store = tmp_path / "trust.db"
    run("add", store, files["csca.der"])
    script = (
        "import os, signal, sys\n"
        "from verify.commands.trust import trust\n"
        "from verify.trust.store import TrustStore\n"
        "add = TrustStore.add_provenance\n"
        "def die(self, entry, source, *, listed):\n"
        "    add(self, entry, source, listed=listed)\n"
        "    if source == 2:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "TrustStore.add_provenance = die\n"
        "trust(sys.argv[1:])\n"
    )
    for place in (store, tmp_path / "new.db"):
        command = [sys.executable, "-c", script, "add", place, *files.values()]
        done = subprocess.run(command, cwd=REPOSITORY, check=False)
        assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "new.db").exists()
    with TrustStore.open(store) as opened:
        assert by_kind(opened) == {"csca": 1}
    assert "2 of them new" in run("add", tmp_path / "new.db", files["list.ml"]).output


def test_a_table_for_the_documentation(tmp_path: Path) -> None:
    path = tmp_path / "list.ml"
    link = Authority(label="old").link(Authority(label="new"))
    path.write_bytes(CSCA.master_list(CSCA.certificate(), link))
    store = tmp_path / "trust.db"
    run("add", store, path)
    table = run("list", store, "--unverified", "--markdown").output
    assert table.splitlines()[2].startswith("| UT | CN=CSCA Utopia,C=UT | brainpoolP256r1 |")
