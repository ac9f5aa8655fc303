"""A State cannot issue certificates or lists of another State."""

import msgspec
import pytest

from emrtd.pki.lists.deviation_list import ID_DEVIATION_LIST, DeviationList
from emrtd.pki.path import validate
from emrtd.pki.x509 import extensions as ext
from support.errors import MisuseError
from tests.certificates import (
    NOW,
    Authority,
)
from tests.verify.trust.stores import CSCA, ELSEWHERE, add, by_kind, ldif, signed_list
from verify.trust.store import TrustStore


@pytest.mark.parametrize("alone", [True, False], ids=["a file", "a collection"])
def test_a_csca_cannot_make_an_anchor_of_another_state(store: TrustStore, alone: bool) -> None:
    """With such a link it could sign that State's documents, and a CRL for them."""
    forged = CSCA.renewed("of another State")
    cross = ELSEWHERE.link(forged)
    add(store, CSCA.certificate().der, ELSEWHERE.certificate().der)
    if alone:
        with pytest.raises(MisuseError, match="no Master List contains it"):
            add(store, cross.der)
    else:
        (summary,) = add(store, ldif(cross.der))
        assert "no Master List contains it" in summary.left_out[0]
    assert by_kind(store) == {"csca": 2}
    assert validate(forged.issue(), store, at=NOW).anchor is None


def test_a_document_signer_in_a_master_list_cannot_make_an_anchor(store: TrustStore) -> None:
    """It is not imported from the list, and its key may not issue others."""
    signer = Authority(label="DS 1", common_name="DS 1")
    rogue = CSCA.renewed("rogue")
    add(store, CSCA.certificate().der)
    add(store, CSCA.master_list(CSCA.certificate(), CSCA.issue("DS 1")))
    assert by_kind(store) == {"csca": 1}
    with pytest.raises(MisuseError, match="the key that signed it is not in the store"):
        add(store, signer.link(rogue).der)
    (summary,) = add(store, ldif(signer.link(rogue).der))
    assert summary.left_out
    assert validate(rogue.issue(), store, at=NOW).anchor is None


def test_a_list_is_of_the_state_of_its_signer(store: TrustStore) -> None:
    """The order of the enclosed certificates and the signer's name do not matter."""
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


def test_a_list_signer_is_of_the_state_of_its_csca(store: TrustStore) -> None:
    """Or an operator would read the name of one State on what another one vouches for."""
    listed = Authority(country="ZZ", label="listed", common_name="CSCA of a third State")
    signer = ELSEWHERE.list_signer(ext.MASTER_LIST_SIGNER, subject=CSCA.name)
    forged = ELSEWHERE.master_list(listed.certificate(), signer=signer)
    add(store, CSCA.certificate().der, ELSEWHERE.certificate().der)
    with pytest.raises(MisuseError, match="its signer is of UT, and the CSCA of XX"):
        add(store, forged)
    (summary,) = add(store, ldif(forged))
    assert "its signer is of UT" in summary.left_out[0]
    assert by_kind(store) == {"csca": 2}
