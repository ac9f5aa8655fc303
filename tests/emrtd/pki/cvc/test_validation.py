from datetime import date
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import RsaPrivateKey
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.errors import ProtocolError
from emrtd.pki.cvc.authorization import ID_AUTHENTICATION_TERMINAL, Chat, Right, Role
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.cvc.validation import ImportedKey, TrustState, find_chain
from support.errors import MalformedError, MisuseError
from tests.emrtd.pki.cvc.cvc_pki import BOTH, ECDSA, Holder, certify
from tests.helpers import replace, shared

TODAY = date(2026, 6, 1)


@cache
def cvca() -> Holder:
    return certify("UTCVCA00001", Role.CVCA)


@cache
def dv() -> Holder:
    return certify("UTDV00001", Role.DV_DOMESTIC, cvca())


@cache
def link(number: int = 2, curve: str = "brainpoolP256r1") -> Holder:
    issuer = cvca() if number == 2 else link(number - 1)
    return certify(
        f"UTCVCA0000{number}", Role.CVCA, issuer, curve=curve, effective=date(2025 + number, 3, 1),
        expiration=date(2027 + number, 3, 1),
    )  # fmt: skip


def chip(*roots: Holder, today: date | None = TODAY) -> TrustState:
    return TrustState.initial([root.certificate for root in roots or (cvca(),)], today)


def present(state: TrustState, *chain: Holder) -> tuple[TrustState, ImportedKey]:
    """Present a chain as a terminal does, each certificate under its authority's reference."""
    imported: ImportedKey | None = None
    for holder in chain:
        authority = holder.certificate.authority_reference
        issuer = state.find(authority)
        if issuer is None:
            assert imported is not None
            assert imported.reference == authority
            issuer = imported
        state, imported = state.validate(holder.certificate, issuer)
    assert imported is not None
    return state, imported


def test_a_terminal_has_the_rights_common_to_its_whole_chain() -> None:
    state = chip(certify("UTCVCA00001", Role.CVCA, key=cvca().key))
    for upper in (Right.READ_DG3, Right.READ_DG4, BOTH, Right(0)):
        for lower in (Right.READ_DG3, Right.READ_DG4, BOTH, Right(0)):
            verifier = certify("UTDV00001", Role.DV_FOREIGN, cvca(), rights=upper)
            terminal = certify("UTIS00001", Role.TERMINAL, verifier, rights=lower)
            _, imported = present(state, verifier, terminal)
            assert imported.role is Role.TERMINAL
            assert imported.authorization.rights == upper & lower
    root = certify("UTCVCA00001", Role.CVCA, rights=Right.READ_DG3)
    verifier = certify("UTDV00001", Role.DV_DOMESTIC, root)
    terminal = certify("UTIS00001", Role.TERMINAL, verifier)
    assert present(chip(root), verifier, terminal)[1].authorization.rights == Right.READ_DG3


def test_the_link_certificate_of_the_data_leads_from_the_old_root_to_the_new() -> None:
    def read(name: str) -> CvCertificate:
        return CvCertificate.decode(shared(f"data/cvc/{name}.cvcert").read_bytes())

    state = TrustState.initial([read("orig/certCVCA_orig")], date(2008, 5, 19))
    chain = find_chain(
        [read(f"new/cert{who}_new") for who in ("IS", "CVCA", "DVD")],
        state.references,
        "NLIS7202000NL001",
    )
    imported: ImportedKey | None = None
    for certificate in chain:
        issuer = state.find(certificate.authority_reference) or imported
        assert issuer is not None
        state, imported = state.validate(certificate, issuer)
    assert state.references == ("NLCVCAA00002", "NLCVCAA00001")
    assert state.current_date == date(2009, 5, 18)
    assert imported is not None
    assert imported.authorization.rights == Right.READ_DG3


def test_a_link_certificate_becomes_a_trust_point() -> None:
    state, imported = present(chip(), link())
    assert state.references == ("UTCVCA00002", "UTCVCA00001")
    assert imported.role is Role.CVCA
    verifier = certify("UTDV00002", Role.DV_DOMESTIC, link(), effective=date(2027, 4, 1))
    present(state, verifier)
    present(state, dv())  # the older one holds as well


def test_at_most_two_trust_points_are_kept_and_the_oldest_is_removed() -> None:
    state, _ = present(chip(), link(2), link(3))
    assert state.references == ("UTCVCA00003", "UTCVCA00002")
    with pytest.raises(AssertionError):
        present(state, dv())


def test_an_expired_link_certificate_is_accepted() -> None:
    state, _ = present(chip(today=date(2040, 1, 1)), link())
    assert state.references == ("UTCVCA00002", "UTCVCA00001")
    assert state.current_date == date(2040, 1, 1)


def test_an_expired_trust_point_verifies_only_link_certificates() -> None:
    state = chip(today=date(2028, 1, 2))
    verifier = certify("UTDV00001", Role.DV_DOMESTIC, cvca(), expiration=date(2029, 1, 1))
    with pytest.raises(ProtocolError, match="trust point has expired"):
        present(state, verifier)
    present(state, link())
    present(replace(state, current_date=date(2028, 1, 1)), verifier)


@pytest.mark.parametrize("role", [Role.DV_DOMESTIC, Role.TERMINAL])
def test_an_expired_certificate_is_refused_from_the_day_after(role: Role) -> None:
    last = date(2026, 7, 1)
    chain: tuple[Holder, ...]
    if role is Role.TERMINAL:
        chain = (dv(), certify("UTIS00001", role, dv(), expiration=last))
    else:
        chain = (certify("UTDV00001", role, cvca(), expiration=last),)
    present(chip(today=last), *chain)
    with pytest.raises(ProtocolError, match="expired on 2026-07-01"):
        present(chip(today=date(2026, 7, 2)), *chain)


@pytest.mark.parametrize(
    ("verifier_role", "terminal_counts"), [(Role.DV_DOMESTIC, True), (Role.DV_FOREIGN, False)]
)
def test_every_accurate_certificate_advances_the_date(
    verifier_role: Role, terminal_counts: bool
) -> None:
    verifier = certify("UTDV00001", verifier_role, cvca(), effective=date(2026, 8, 1))
    terminal = certify("UTIS00001", Role.TERMINAL, verifier, effective=date(2026, 9, 1))
    state, _ = present(chip(), verifier)
    assert state.current_date == date(2026, 8, 1)
    state, _ = present(chip(), verifier, terminal)
    assert state.current_date == (date(2026, 9, 1) if terminal_counts else date(2026, 8, 1))
    state, _ = present(chip(today=None), link())
    assert state.current_date == link().certificate.effective


def test_the_date_never_goes_back() -> None:
    state, _ = present(chip(today=date(2027, 1, 1)), dv())
    assert state.current_date == date(2027, 1, 1)


def test_a_wrong_signature_changes_nothing() -> None:
    for holder in (link(), dv()):
        signature = bytearray(holder.certificate.signature)
        signature[-1] ^= 1
        spoilt = replace(
            holder, certificate=replace(holder.certificate, signature=bytes(signature))
        )
        with pytest.raises(ProtocolError):
            present(chip(), spoilt)
    impostor = certify("UTCVCA00001", Role.CVCA)
    with pytest.raises(ProtocolError):
        present(chip(), certify("UTDV00001", Role.DV_DOMESTIC, impostor))


def test_a_holder_certifies_only_roles_below_its_own() -> None:
    terminal = certify("UTIS00001", Role.TERMINAL, dv())
    for chain in (
        (certify("UTIS00002", Role.TERMINAL, cvca()),),
        (dv(), certify("UTCVCA00009", Role.CVCA, dv())),
        (dv(), certify("UTDV00009", Role.DV_DOMESTIC, dv())),
        (dv(), terminal, certify("UTIS00009", Role.TERMINAL, terminal)),
        (dv(), terminal, certify("UTCVCA00009", Role.CVCA, terminal)),
    ):
        with pytest.raises(ProtocolError, match="may not certify this role"):
            present(chip(), *chain)


def test_a_certificate_with_the_reference_of_a_trust_point_is_refused() -> None:
    for again in (
        certify("UTCVCA00001", Role.CVCA, cvca()),
        certify("UTCVCA00001", Role.DV_DOMESTIC, cvca()),
    ):
        with pytest.raises(ProtocolError, match="that of a trust point"):
            present(chip(), again)


def test_another_type_of_terminal_is_refused() -> None:
    chat = Chat(ID_AUTHENTICATION_TERMINAL, bytes.fromhex("801FFFFF10"))
    with pytest.raises(ProtocolError, match="another type of terminal"):
        present(chip(), certify("UTDV00001", Role.DV_DOMESTIC, cvca(), chat=chat))


def test_another_kind_of_key_below_a_cvca_is_refused() -> None:
    key = RsaPrivateKey(rsa.generate_private_key(65537, 2048))
    pss = SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA256)
    with pytest.raises(ProtocolError, match="another algorithm"):
        present(chip(), certify("UTDV00001", Role.DV_DOMESTIC, cvca(), key=key, scheme=pss))
    state, _ = present(chip(), certify("UTCVCA00002", Role.CVCA, cvca(), key=key, scheme=pss))
    assert len(state.trust_points) == 2


def test_a_link_may_change_the_curve() -> None:
    new = link(2, "secp384r1")
    verifier = certify("UTDV00002", Role.DV_DOMESTIC, new, curve="secp384r1",
                       effective=date(2027, 4, 1), expiration=date(2027, 6, 1))  # fmt: skip
    present(chip(), new, verifier)


def test_a_certificate_under_the_wrong_issuer_is_refused() -> None:
    state, _ = present(chip(), link())
    old = state.find("UTCVCA00001")
    other = state.find("UTCVCA00002")
    assert old is not None
    assert other is not None
    with pytest.raises(ProtocolError, match="UTCVCA00002 did not issue it"):
        state.validate(dv().certificate, other)
    state.validate(dv().certificate, old)


def test_the_state_reads_back() -> None:
    for state in (TrustState(), chip(today=None), present(chip(), link())[0]):
        assert TrustState.decode(state.encode()) == state


def test_a_link_without_parameters_keeps_those_of_its_issuer() -> None:
    certificate = link().certificate
    bare = replace(certificate.public_key, key=None,
                   point=bytes.fromhex("04") + bytes(64))  # fmt: skip
    assert certificate.public_key.curve is not None
    bare = replace(
        bare,
        point=certificate.public_key.curve.encode_point(link().key.public_key.point),  # type: ignore[union-attr]
    )
    without = replace(certificate, public_key=bare)
    state = TrustState.initial([without, cvca().certificate], TODAY)
    assert state.trust_points[0].key == certificate.public_key
    with pytest.raises(ProtocolError, match="inherits none"):
        TrustState.initial([without], TODAY)


def test_only_a_cvca_is_a_trust_point() -> None:
    with pytest.raises(MisuseError, match="not the certificate of a CVCA"):
        TrustState.initial([dv().certificate], TODAY)


@given(st.data())
def test_any_octets_are_a_state_or_malformed(data: st.DataObject) -> None:
    octets = bytearray(chip().encode())
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        TrustState.decode(bytes(octets))
    except MalformedError:
        return


def test_the_chain_is_found_from_any_trust_point_of_the_chip() -> None:
    new_dv = certify("UTDV00002", Role.DV_DOMESTIC, link())
    terminal = certify("UTIS00001", Role.TERMINAL, new_dv)
    known = [each.certificate for each in (terminal, link(), cvca(), new_dv, dv())]

    def found(*references: str) -> list[str]:
        return [each.holder_reference for each in find_chain(known, references, "UTIS00001")]

    assert found("UTCVCA00001") == ["UTCVCA00002", "UTDV00002", "UTIS00001"]
    assert found("UTCVCA00002", "UTCVCA00001") == ["UTDV00002", "UTIS00001"]
    assert found("XXCVCA00001", "UTCVCA00001")[0] == "UTCVCA00002"
    with pytest.raises(MisuseError, match="UTIS00001"):
        found("XXCVCA00001")
    with pytest.raises(MisuseError):
        find_chain(known, ["UTCVCA00001"], "UTIS00009")


def test_a_circle_of_certificates_is_not_a_chain() -> None:
    one = certify("UTA00001", Role.DV_FOREIGN)
    two = certify("UTB00001", Role.DV_FOREIGN, one)
    back = certify("UTA00001", Role.DV_FOREIGN, two, key=one.key)
    with pytest.raises(MisuseError):
        find_chain([two.certificate, back.certificate], ["UTCVCA00001"], "UTB00001")


def test_a_certificate_by_the_trust_point_is_preferred() -> None:
    foreign = certify("UTDV00001", Role.DV_FOREIGN, certify("XXCVCA00001", Role.CVCA), key=dv().key)
    terminal = certify("UTIS00001", Role.TERMINAL, dv())
    known = [foreign.certificate, dv().certificate, terminal.certificate]
    for references, authority in (
        (["UTCVCA00001"], "UTCVCA00001"),
        (["XXCVCA00001"], "XXCVCA00001"),
    ):
        assert find_chain(known, references, "UTIS00001")[0].authority_reference == authority


def test_the_scheme_of_the_tests_is_one_of_the_standard() -> None:
    assert cvca().certificate.public_key.scheme == ECDSA
