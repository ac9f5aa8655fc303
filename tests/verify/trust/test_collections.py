"""Files of many entries that nobody chose one by one: changes in LDIF, and bundles."""

import base64
import subprocess
from pathlib import Path

import pytest

from emrtd.asn1 import ber, der
from support.errors import MalformedError, MisuseError
from tests.certificates import key
from tests.helpers import shared
from tests.verify.trust.stores import CSCA, ELSEWHERE, add, by_kind, ldif
from verify.trust.kinds import TrustEntryKind
from verify.trust.store import TrustStore

# --- changes in LDIF -----------------------------------------------------------------------------

ENTRY = "dn: cn=1,c=UT,dc=data\nchangetype: "


def attribute(name: str, value: bytes) -> str:
    return f"{name};binary:: {base64.b64encode(value).decode()}\n"


@pytest.mark.parametrize("operation", ["add", "replace"])
def test_what_a_modification_adds_or_replaces_is_verified_like_anything_else(
    store: TrustStore, operation: str
) -> None:
    crl, forged = CSCA.crl([100]), CSCA.crl([5], signing=key("forged"), number=2)
    add(store, CSCA.certificate().der)
    (summary,) = add(
        store,
        f"{ENTRY}modify\n{operation}: crl;binary\n{attribute('crl', crl)}-\n\n"
        f"{ENTRY}modify\n{operation}: crl;binary\n{attribute('crl', forged)}-\n",
    )
    assert [each.der for each in store.entries(kind=TrustEntryKind.CRL)] == [crl]
    assert "no trusted key" in summary.left_out[0]
    assert not summary.warnings


def test_no_change_in_ldif_deletes_anything(store: TrustStore) -> None:
    """Nobody signs LDIF: whoever passes it on could delete a CSCA or a revocation with it."""
    new = CSCA.renewed("CSCA 2")
    held = CSCA.certificate().der, CSCA.link(new).der, CSCA.issue().der, CSCA.crl([100])
    add(store, *held)
    before = [entry.as_json() for entry in store.entries()]
    deletions = "".join(
        f"{ENTRY}modify\ndelete: {name};binary\n{attribute(name, each)}-\n\n"
        for name, each in zip(("csca", "link", "ds", "crl"), held, strict=True)
    )
    (summary,) = add(
        store,
        f"{deletions}{ENTRY}delete\n\n{ENTRY}modify\nreplace: crl\n-\n\n"
        f"{ENTRY}modrdn\nnewrdn: cn=2\ndeleteoldrdn: 1\n",
    )
    assert [entry.as_json() for entry in store.entries()] == before
    (warning,) = summary.warnings
    assert "6 deletions and 1 renaming not applied" in warning
    assert len(summary.left_out) == 7
    named = ("deletion of csca of cn=1", "of link", "of ds", "of crl", "deletion of cn=1", "of crl")
    for left_out, said in zip(summary.left_out, (*named, "renaming of cn=1"), strict=True):
        assert said in left_out
        assert "line" in left_out


def test_a_value_that_is_deleted_is_not_added(store: TrustStore) -> None:
    add(store, CSCA.certificate().der)
    add(store, f"{ENTRY}modify\ndelete: crl;binary\n{attribute('crl', CSCA.crl())}-\n")
    assert by_kind(store) == {"csca": 1}


def test_a_broken_line_does_not_keep_the_rest_of_a_collection_out(store: TrustStore) -> None:
    add(store, CSCA.certificate().der)
    (summary,) = add(
        store,
        f"{ldif(CSCA.issue().der)}\nno attribute\nuserCertificate;binary:: M!!A\n"
        f"userCertificate;binary:: AAAA\nx:< file:///x\n{ldif(CSCA.crl())}",
    )
    assert by_kind(store) == {"csca": 1, "ds": 1, "crl": 1}
    assert [reason.split(": ")[-1] for reason in summary.left_out] == [
        "is not an attribute",
        "is not base64",
        "the value of usercertificate is not ASN.1",
        "the value of x is at an address, not here",
    ]


def test_a_byte_order_mark_before_ldif(store: TrustStore) -> None:
    add(store, CSCA.certificate().der)
    add(store, "\ufeff" + ldif(CSCA.crl()))
    assert by_kind(store) == {"csca": 1, "crl": 1}


@pytest.mark.parametrize(
    ("file", "added", "said"),
    [("add.ldif", 1, ""), ("modify.ldif", 1, ""), ("delete.ldif", 0, "1 deletion not applied")],
)
def test_the_shared_ldif(store: TrustStore, file: str, added: int, said: str) -> None:
    folder = shared("data/cases/lists")
    add(store, (folder / "csca.cer").read_bytes())
    (summary,) = add(store, (folder / file).read_bytes())
    assert (summary.added, summary.verified) == (added, added)
    assert said in "".join(summary.warnings)
    assert bool(summary.warnings) == bool(said)


# --- bundles of certificates and CRLs ------------------------------------------------------------


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A folder with `bundle.pem` and `bundle.der` as `openssl crl2pkcs7` writes them."""
    pems = [CSCA.certificate().to_pem(), CSCA.issue().to_pem(), CSCA.link(NEW).to_pem()]
    (tmp_path / "certificates.pem").write_text("".join(pems), encoding="ascii")
    (tmp_path / "list.crl").write_bytes(CSCA.crl([5]))
    crl = subprocess.run(
        ["openssl", "crl", "-inform", "DER", "-in", "list.crl"],
        cwd=tmp_path, check=True, capture_output=True,
    ).stdout  # fmt: skip
    (tmp_path / "list.pem").write_bytes(crl)
    for form in ("pem", "der"):
        subprocess.run(
            ["openssl", "crl2pkcs7", "-in", "list.pem", "-certfile", "certificates.pem",
             "-outform", form, "-out", f"bundle.{form}"],
            cwd=tmp_path, check=True,
        )  # fmt: skip
    return tmp_path


NEW = CSCA.renewed("CSCA 2")
BUNDLED = {"csca": 1, "link": 1, "ds": 1, "crl": 1}


@pytest.mark.parametrize("form", ["pem", "der"])
def test_a_bundle_is_read_like_a_file_of_its_parts(
    store: TrustStore, bundle: Path, form: str
) -> None:
    (summary,) = add(store, (bundle / f"bundle.{form}").read_bytes())
    assert (summary.added, summary.verified) == (4, 4)
    assert by_kind(store) == BUNDLED


def test_a_bundle_in_ldif(store: TrustStore, bundle: Path) -> None:
    octets = (bundle / "bundle.der").read_bytes()
    (summary,) = add(store, ldif(octets))  # nobody chose the CSCA in it
    assert by_kind(store) == {}
    assert "no Master List contains it" in summary.left_out[0]
    add(store, CSCA.certificate().der)
    add(store, ldif(octets))
    assert by_kind(store) == BUNDLED


def test_nobody_signs_a_bundle_and_each_part_is_verified(store: TrustStore, bundle: Path) -> None:
    with pytest.raises(MisuseError, match="the trust store has no CSCA of XX"):
        add(store, (bundle / "bundle.pem").read_bytes() + ELSEWHERE.issue().to_pem().encode())


def test_a_list_without_signers_is_no_bundle(store: TrustStore) -> None:
    listed = ber.read(CSCA.master_list(CSCA.certificate()), "list")
    body = listed.children[1].children[0].children
    unsigned = der.sequence(
        listed.children[0].encoded,
        der.tagged(0, der.sequence(*(each.encoded for each in body[:-1]), der.set_of())),
    )
    with pytest.raises(MalformedError, match="0 signers"):
        add(store, unsigned)
