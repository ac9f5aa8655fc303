"""The EAC PKI through the command line: chips old and new follow it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from emrtd.crypto.curves import CURVES
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.pki.cvc import CvCertificate
from emrtd.pki.cvc_authorization import Right, Role
from emrtd.pki.cvc_requests import request
from emrtd.pki.cvc_validation import TrustState, find_chain
from personalise.pki.verifying_ca import SCHEME
from tests.personalise.pki.test_pki_command import Desk, desk  # noqa: F401 - a fixture

TODAY = datetime.now(UTC).date()


def terminal(desk: Desk) -> Path:  # noqa: F811
    return desk.folder / "pki" / "terminal"


def read(desk: Desk, name: str) -> CvCertificate:  # noqa: F811
    return CvCertificate.decode((terminal(desk) / name).read_bytes())


def rights_on_chip(trust_point: CvCertificate, folder: Path) -> Right:
    """What a chip with this trust point grants to the inspection system of the folder."""
    found = [CvCertificate.decode(path.read_bytes()) for path in folder.glob("*.cvcert")]
    inspection_system = CvCertificate.decode((folder / "is.cvcert").read_bytes())
    state = TrustState.initial([trust_point], TODAY)
    key = state.trust_points[0]
    for certificate in find_chain(found, state.references, inspection_system.holder_reference):
        state, key = state.validate(certificate, key)
    return key.authorization.rights


def test_a_chip_of_before_the_renewal_follows_the_link(desk: Desk) -> None:  # noqa: F811
    old = read(desk, "cvca.cvcert")
    for command in ("renew-cvca", "renew-dv", "renew-is"):
        desk.act("eac", command)
        assert desk.status == 0, command
    new = read(desk, "cvca.cvcert")
    link = read(desk, f"cvca-link-{new.holder_reference}.cvcert")
    assert link.authority_reference == old.holder_reference
    assert new.is_self_signed
    for trust_point in (old, new):
        assert rights_on_chip(trust_point, terminal(desk)) == Right.READ_DG3 | Right.READ_DG4


def test_rights_are_no_more_than_the_issuers(desk: Desk) -> None:  # noqa: F811
    desk.act("eac", "renew-dv", "--right", "dg3")
    desk.act("eac", "renew-is", "--right", "dg3", "--right", "dg4")
    assert rights_on_chip(read(desk, "cvca.cvcert"), terminal(desk)) == Right.READ_DG3


def test_a_foreign_document_verifier_is_certified_on_request(desk: Desk) -> None:  # noqa: F811
    key = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
    path, output = desk.folder / "request.cvreq", desk.folder / "foreign.cvcert"
    path.write_bytes(request(key, SCHEME, "XXDV00001").encode())
    said = desk.act(
        "eac", "certify", str(path), "--role", "foreign-dv", "--days", "30", "--right", "dg3",
        "-o", str(output),
    )  # fmt: skip
    assert "XXDV00001" in said
    made = CvCertificate.decode(output.read_bytes())
    made.verify(read(desk, "cvca.cvcert").public_key)
    assert (made.role, made.chat.rights) == (Role.DV_FOREIGN, Right.READ_DG3)


@pytest.mark.parametrize(
    ("days", "change", "said"),
    [
        ("200", False, "Table 3"),
        ("0", False, "Table 3"),
        ("30", True, "signature"),
    ],
)
def test_what_is_not_certified(desk: Desk, days: str, change: bool, said: str) -> None:  # noqa: F811
    octets = bytearray(
        request(EcPrivateKey.generate(CURVES["secp256r1"]), SCHEME, "XXDV00001").encode()
    )
    octets[-1] ^= change
    path = desk.folder / "request.cvreq"
    path.write_bytes(octets)
    answer = desk.act(
        "eac", "certify", str(path), "--role", "foreign-dv", "--days", days,
        "-o", str(desk.folder / "x.cvcert"),
    )  # fmt: skip
    assert desk.status == 64
    assert said in answer
    assert not (desk.folder / "x.cvcert").exists()
