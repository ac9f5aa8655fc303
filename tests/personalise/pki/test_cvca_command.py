"""The EAC PKI through the command line, with chips of before and after a renewal."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from emrtd.crypto.curves import CURVES
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.crypto.signatures import SignatureFamily
from emrtd.pki.cvc.authorization import ALL_RIGHTS, Chat, Right, Role
from emrtd.pki.cvc.certificates import CvCertificate, issue
from emrtd.pki.cvc.issuing import SCHEME
from emrtd.pki.cvc.keys import CvPublicKey, kind_of
from emrtd.pki.cvc.requests import CvRequest, authenticate, request
from emrtd.pki.cvc.validation import TrustState, find_chain
from personalise.pki.create import create_pki
from personalise.pki.cvca_operations import (
    renew_cvca,
    renew_document_verifier,
    renew_inspection_system,
)
from personalise.pki.destroying import destroy_key, is_in_use
from personalise.pki.operations import PkiOperations
from personalise.pki.plan import Plan
from personalise.pki.settings import KeyKinds
from support.errors import MisuseError
from tests.helpers import damaged
from tests.personalise.conftest import PASSPHRASE
from tests.personalise.pki.test_pki_command import Operator, operator  # noqa: F401 - a fixture


def today() -> date:
    return datetime.now(UTC).date()


def terminal(operator: Operator) -> Path:  # noqa: F811
    return operator.folder / "pki" / "terminal"


def read(operator: Operator, name: str) -> CvCertificate:  # noqa: F811
    return CvCertificate.decode((terminal(operator) / name).read_bytes())


def rights_on_chip(trust_point: CvCertificate, folder: Path) -> Right:
    """Return what a chip with this trust point grants to the folder's inspection system."""
    found = [CvCertificate.decode(path.read_bytes()) for path in folder.glob("*.cvcert")]
    inspection_system = CvCertificate.decode((folder / "is.cvcert").read_bytes())
    state = TrustState.initial([trust_point], today())
    key = state.trust_points[0]
    for certificate in find_chain(found, state.references, inspection_system.holder_reference):
        state, key = state.validate(certificate, key)
    return key.authorization.rights


def test_a_chip_with_the_old_trust_point_accepts_the_link(operator: Operator) -> None:  # noqa: F811
    old = read(operator, "cvca.cvcert")
    for command in ("renew-cvca", "renew-dv", "renew-is"):
        operator.act("eac", command)
        assert operator.status == 0, command
    new = read(operator, "cvca.cvcert")
    link = read(operator, f"cvca-link-{new.holder_reference}.cvcert")
    assert link.authority_reference == old.holder_reference
    assert new.is_self_signed
    for trust_point in (old, new):
        assert rights_on_chip(trust_point, terminal(operator)) == Right.READ_DG3 | Right.READ_DG4


def test_rights_are_limited_to_those_of_the_issuer(operator: Operator) -> None:  # noqa: F811
    operator.act("eac", "renew-dv", "--right", "dg3")
    operator.act("eac", "renew-is", "--right", "dg3", "--right", "dg4")
    assert rights_on_chip(read(operator, "cvca.cvcert"), terminal(operator)) == Right.READ_DG3


def test_a_foreign_document_verifier_is_certified_on_request(operator: Operator) -> None:  # noqa: F811
    key = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
    path, output = operator.folder / "request.cvreq", operator.folder / "foreign.cvcert"
    path.write_bytes(request(key, SCHEME, "XXDV00001").encode())
    said = operator.act(
        "eac", "certify", str(path), "--role", "foreign-dv", "--days", "30", "--right", "dg3",
        "-o", str(output),
    )  # fmt: skip
    assert "XXDV00001" in said
    made = CvCertificate.decode(output.read_bytes())
    made.verify(read(operator, "cvca.cvcert").public_key)
    assert (made.role, made.chat.rights) == (Role.DV_FOREIGN, Right.READ_DG3)


def asking(operator: Operator, asked: CvRequest, *more: str) -> tuple[str, Path]:  # noqa: F811
    """Have a request certified; return the output, and the path of the certificate."""
    path, output = (
        operator.folder / "request.cvreq",
        operator.folder / f"{asked.holder_reference}.cvcert",
    )
    path.write_bytes(asked.encode())
    said = operator.act(
        "eac", "certify", str(path), "--role", "foreign-dv", "--days", "30", *more,
        "-o", str(output),
    )  # fmt: skip
    return said, output


def own_key() -> EcPrivateKey:
    return EcPrivateKey.generate(CURVES["brainpoolP256r1"])


def test_a_further_request_must_be_signed_with_the_previous_key(operator: Operator) -> None:  # noqa: F811
    first, second = own_key(), own_key()
    asking(operator, request(first, SCHEME, "XXDV00001"))
    assert operator.status == 0
    further = request(second, SCHEME, "XXDV00002")
    for asked, reason in (
        (further, "was certified before"),
        (authenticate(further, second, SCHEME, "XXDV00001"), "signature"),
        (authenticate(further, first, SCHEME, "XXDV00009"), "not known"),
    ):
        said, output = asking(operator, asked)
        assert operator.status == 64
        assert reason in said
        assert not output.exists()
    _, output = asking(operator, authenticate(further, first, SCHEME, "XXDV00001"))
    assert operator.status == 0
    made = CvCertificate.decode(output.read_bytes())
    made.verify(read(operator, "cvca.cvcert").public_key)


def test_a_first_request_may_be_signed_by_a_foreign_cvca(operator: Operator) -> None:  # noqa: F811
    cvca = own_key()
    rights = Right.READ_DG3 | Right.READ_DG4
    certificate = issue(
        public_key=CvPublicKey.of(cvca.public_key, SCHEME),
        holder="XXCVCA00001",
        chat=Chat.inspection_system(Role.CVCA, rights),
        effective=today(),
        expiration=today() + timedelta(days=1),
        signer=cvca,
        scheme=SCHEME,
        authority="XXCVCA00001",
    )
    given = operator.folder / "foreign-cvca.cvcert"
    given.write_bytes(certificate.encode())
    inner = request(own_key(), SCHEME, "XXDV00001")
    stranger = authenticate(inner, own_key(), SCHEME, "XXCVCA00001")
    assert "signature" in asking(operator, stranger, "--authenticated-by", str(given))[0]
    genuine = authenticate(inner, cvca, SCHEME, "XXCVCA00001")
    assert "not known" in asking(operator, genuine)[0]
    _, output = asking(operator, genuine, "--authenticated-by", str(given))
    assert operator.status == 0
    assert output.exists()
    of_verifier = output.rename(operator.folder / "verifier.cvcert")
    said = asking(operator, genuine, "--authenticated-by", str(of_verifier))[0]
    assert "signed by XXCVCA00001, whose certificate is not known" in said
    of_inspector = operator.folder / "pki" / "terminal" / "is.cvcert"
    said = asking(operator, genuine, "--authenticated-by", str(of_inspector))[0]
    assert "not the self-signed certificate of a CVCA" in said
    further = authenticate(request(own_key(), SCHEME, "XXDV00002"), cvca, SCHEME, "XXCVCA00001")
    said, output = asking(operator, further, "--authenticated-by", str(given))
    assert "not known" in said  # the holder has a valid certificate, so its key must sign
    given.write_bytes(damaged(certificate.encode()))
    said, output = asking(operator, further, "--authenticated-by", str(given))
    assert "certificate of XXCVCA00001" in said
    assert not output.exists()


def test_a_restored_pki_takes_a_certificate_that_it_issued_since_the_backup(
    operator: Operator,  # noqa: F811
) -> None:
    first = own_key()
    _, output = asking(operator, request(first, SCHEME, "XXDV00001"))
    issued = output.rename(operator.folder / "issued.cvcert")
    shutil.rmtree(operator.folder / "pki" / "certified")
    inner = request(own_key(), SCHEME, "XXDV00002")
    further = authenticate(inner, first, SCHEME, "XXDV00001")
    said, output = asking(operator, further)
    assert "so do after a restore with the one that we issued to it" in said
    assert not output.exists()
    stranger = authenticate(inner, own_key(), SCHEME, "XXDV00001")
    assert "signature" in asking(operator, stranger, "--authenticated-by", str(issued))[0]
    assert not output.exists()
    asking(operator, further, "--authenticated-by", str(issued))
    assert output.exists()


def test_a_reference_is_that_of_one_key(operator: Operator) -> None:  # noqa: F811
    first = request(own_key(), SCHEME, "XXDV00001")
    _, output = asking(operator, first)
    output.unlink()
    asking(operator, first)
    assert (
        "XXDV00002 was certified before, so the key of XXDV00001 must also sign"
        in (asking(operator, request(own_key(), SCHEME, "XXDV00002"))[0])
    )
    (certified,) = (operator.folder / "pki" / "certified").iterdir()
    expired = CvCertificate.decode(certified.read_bytes())
    said, output = asking(operator, request(own_key(), SCHEME, "XXDV00001"))
    assert f"XXDV00001 was certified on {expired.effective} for another key" in said
    assert not output.exists()


def test_a_key_on_another_curve_is_not_certified(operator: Operator) -> None:  # noqa: F811
    """The certificate names no curve, so the key would be read as one on the CVCA's curve."""
    asked = request(EcPrivateKey.generate(CURVES["secp256r1"]), SCHEME, "XXDV00001")
    said, output = asking(operator, asked)
    assert operator.status == 64
    assert "brainpoolP256r1" in said
    assert not output.exists()


@pytest.mark.parametrize(
    ("days", "change", "said"),
    [
        ("200", False, "Table 3"),
        ("0", False, "Table 3"),
        ("30", True, "signature"),
    ],
)
def test_an_unfit_request_is_refused(
    operator: Operator,  # noqa: F811
    days: str,
    change: bool,
    said: str,
) -> None:
    octets = bytearray(request(own_key(), SCHEME, "XXDV00001").encode())
    octets[-1] ^= change
    path = operator.folder / "request.cvreq"
    path.write_bytes(octets)
    answer = operator.act(
        "eac", "certify", str(path), "--role", "foreign-dv", "--days", days,
        "-o", str(operator.folder / "x.cvcert"),
    )  # fmt: skip
    assert operator.status == 64
    assert said in answer
    assert not (operator.folder / "x.cvcert").exists()


@pytest.mark.parametrize(("kind", "name"), [("RSA-2048", "EACROOT"), ("secp384r1", "NEXT")])
def test_the_cvca_changes_its_kind_of_key_and_its_name(
    operator: Operator,  # noqa: F811
    kind: str,
    name: str,
) -> None:
    old = read(operator, "cvca.cvcert")
    operator.act("eac", "renew-cvca", "--key", kind, "--name", name)
    for command in ("renew-dv", "renew-is"):
        said = operator.act("eac", command, "--right", "dg3")
        assert operator.status == 0, said
    new = read(operator, "cvca.cvcert")
    assert new.holder_reference == f"UT{name}00001"
    assert kind_of(new.public_key) == kind
    for trust_point in (old, new):
        assert rights_on_chip(trust_point, terminal(operator)) == Right.READ_DG3
    said = operator.act("eac", "renew-cvca", "--name", name)
    assert operator.status == 64
    assert f"UT{name}00001 was the name of a key before" in said
    operator.act("eac", "renew-cvca", "--name", "../x")
    assert operator.status == 64


def test_a_key_of_an_interrupted_renewal_signs_nothing(operator: Operator) -> None:  # noqa: F811
    for label in ("cvca-2", "dv-2"):  # a killed command leaves a key without a certificate
        operator.pki.custody.generate(label, "brainpoolP256r1")
    old = read(operator, "cvca.cvcert")
    operations = PkiOperations(operator.pki, (), datetime.now(UTC))
    with pytest.raises(MisuseError, match="'cvca-1' is in use and has no successor"):
        destroy_key(operations, "cvca-1", although_in_use=True)
    with pytest.raises(MisuseError, match="'dv-1' is in use"):
        destroy_key(operations, "dv-1")
    assert not is_in_use(operations, "dv-2")
    for command in (("renew-is",), ("renew-dv",), ("renew-cvca",), ("renew-dv",), ("renew-is",)):
        rights = [] if command == ("renew-cvca",) else ["--right", "dg3"]
        said = operator.act("eac", *command, *rights)
        assert operator.status == 0, said
    assert rights_on_chip(old, terminal(operator)) == Right.READ_DG3
    place = operator.folder / "pki" / "terminal" / "cvca.cvcert"
    place.write_bytes(old.encode())  # killed before the last file
    for command in ("renew-cvca", "renew-dv", "renew-is"):
        said = operator.act("eac", command)
        assert operator.status == 0, said
    assert read(operator, "cvca.cvcert").holder_reference == "UTCVCA00003"
    assert rights_on_chip(old, terminal(operator)) != Right(0)


def test_who_asks_for_an_earlier_key_gets_a_certificate_of_the_one_in_use(
    operator: Operator,  # noqa: F811
) -> None:
    old = read(operator, "cvca.cvcert")
    operator.act("eac", "renew-cvca")
    key = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
    asked = request(key, SCHEME, "XXDV00001", authority=old.holder_reference)
    _, output = asking(operator, asked)
    made = CvCertificate.decode(output.read_bytes())
    assert made.authority_reference == read(operator, "cvca.cvcert").holder_reference
    said, output = asking(operator, request(key, SCHEME, "XXDW00001", authority="UTOTHER00001"))
    assert "the request is to UTOTHER00001" in said
    assert not output.exists()


@pytest.mark.parametrize("kind", ["RSA-2048", "brainpoolP384r1", "secp521r1", ""])
def test_the_chain_has_keys_of_the_kind_that_is_planned(
    home: Path,  # cheap encryption of keys
    tmp_path: Path,
    kind: str,
) -> None:
    plan = Plan("UTO", "Utopia", key="brainpoolP256r1", keys=KeyKinds(cvca=kind))
    at = datetime.now(UTC).replace(microsecond=0)
    pki = create_pki(tmp_path / "pki", plan.settings(), PASSPHRASE, at)
    old, terminal = pki.trust_point, pki.folder / "terminal"
    assert old.public_key.key is not None
    assert kind in old.public_key.key.description
    if kind.startswith("RSA"):
        assert old.public_key.scheme.family is SignatureFamily.RSA_PSS, "Doc 9303-11, 9.2.9"
    operations = PkiOperations(pki, (), at)
    renew_cvca(operations)
    renew_document_verifier(operations, ALL_RIGHTS)
    renew_inspection_system(operations, ALL_RIGHTS)
    for trust_point in (old, pki.trust_point):
        assert rights_on_chip(trust_point, terminal) == ALL_RIGHTS
    late = replace(operations, at=at + timedelta(days=91))
    end = (at + timedelta(days=90)).date()
    with pytest.raises(MisuseError, match=f"UTDV00002 expired on {end}") as error:
        renew_inspection_system(late, ALL_RIGHTS)
    assert error.value.advice == "run `personalise eac renew-dv` first"
    renew_document_verifier(late, ALL_RIGHTS)
    renew_inspection_system(late, ALL_RIGHTS)


def test_a_terminals_further_request_is_signed_with_its_previous_key(
    operator: Operator,  # noqa: F811
) -> None:
    keys = [own_key(), own_key()]

    def certified(asked: CvRequest) -> tuple[str, Path]:
        path = operator.folder / "request.cvreq"
        output = operator.folder / f"{asked.holder_reference}.cvcert"
        path.write_bytes(asked.encode())
        line = ("--role", "terminal", "--days", "9", "--right", "dg3", "-o", str(output))
        return operator.act("eac", "certify", str(path), *line), output

    said, first = certified(request(keys[0], SCHEME, "UTIT00001"))
    assert operator.status == 0, said
    assert CvCertificate.decode(first.read_bytes()).authority_reference == "UTDV00001"
    further = request(keys[1], SCHEME, "UTIT00002")
    assert "must also sign" in certified(further)[0]
    said, second = certified(authenticate(further, keys[0], SCHEME, "UTIT00001"))
    assert operator.status == 0, said
    assert second.is_file()
