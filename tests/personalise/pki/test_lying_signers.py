"""A signer that answers wrongly replaces nothing that is published."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from emrtd.crypto.checked_signer import CheckedSigner
from emrtd.crypto.curves import CURVES
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.crypto.signatures import PublicKey, SignatureScheme, Signer, ecdsa_to_plain
from emrtd.errors import ProtocolError
from emrtd.pki.cvc.issuing import SCHEME
from emrtd.pki.cvc.requests import request
from emrtd.pki.lists.master_list import ID_MASTER_LIST, encode_master_list
from emrtd.pki.lists.signing import sign_list
from emrtd.pki.x509.certificates import Certificate
from personalise.pki.keys.custody import FileCustody
from tests.helpers import damaged
from tests.personalise.pki.test_pki_command import Operator, operator  # noqa: F401 - a fixture

CURVE = CURVES["brainpoolP256r1"]
STRANGER = EcPrivateKey.generate(CURVE)

Lie = Callable[[Signer, SignatureScheme, bytes], bytes]

LIES: dict[str, Lie] = {
    "r || s": lambda key, scheme, message: ecdsa_to_plain(key.sign(scheme, message), CURVE),
    "rubbish": lambda *_: b"\x30\x06\x02\x01\x01\x02\x01\x01",
    "nothing": lambda *_: b"",
    "shorter": lambda key, scheme, message: key.sign(scheme, message)[:-1],
    "longer": lambda key, scheme, message: key.sign(scheme, message) + b"\0",
    "another message": lambda key, scheme, message: key.sign(scheme, message + b"!"),
    "another key": lambda _, scheme, message: STRANGER.sign(scheme, message),
}


@dataclass
class Liar:
    """Signs honestly `honest` times, and then answers with a lie."""

    key: Signer
    lie: Lie
    honest: int = 0

    @property
    def public_key(self) -> PublicKey:
        return self.key.public_key

    def sign(self, scheme: SignatureScheme, message: bytes) -> bytes:
        self.honest -= 1
        if self.honest >= 0:
            return self.key.sign(scheme, message)
        return self.lie(self.key, scheme, message)


@pytest.fixture
def let_lie(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that makes the signer of one label a liar."""
    honest_signer = FileCustody.signer
    liars: dict[str, Liar] = {}

    def let(label: str, lie: Lie, honest: int = 0) -> None:
        def signer(custody: FileCustody, wanted: str) -> Signer:
            made = honest_signer(custody, wanted)
            return liars.setdefault(wanted, Liar(made, lie, honest)) if wanted == label else made

        monkeypatch.setattr(FileCustody, "signer", signer)

    return let


def published(operator: Operator) -> dict[str, bytes]:  # noqa: F811
    """Return every file of the PKI but its keys and its log."""
    folder = operator.folder / "pki"
    found = (each for each in folder.rglob("*") if each.is_file())
    return {
        str(each.relative_to(folder)): each.read_bytes()
        for each in found
        if each.suffix != ".p8" and each.name != "audit.jsonl"
    }


PUBLISHING = [
    ("csca-1", 0, ["pki", "issue-ds"]),
    ("ds-2", 0, ["pki", "issue-ds"]),
    ("csca-1", 0, ["pki", "issue-list-signer", "master"]),
    ("dls-1", 0, ["pki", "issue-list-signer", "deviation"]),
    ("csca-1", 0, ["pki", "issue-crl"]),
    ("csca-1", 0, ["pki", "renew-csca"]),
    *(("csca-2", honest, ["pki", "renew-csca"]) for honest in range(3)),
    ("cvca-1", 0, ["eac", "renew-cvca"]),
    ("cvca-2", 0, ["eac", "renew-cvca"]),
    ("cvca-1", 0, ["eac", "renew-dv"]),
    ("dv-2", 0, ["eac", "renew-dv"]),
    ("dv-1", 0, ["eac", "renew-is"]),
    ("audit", 0, ["pki", "issue-ds"]),
]


@pytest.mark.parametrize(("label", "honest", "act"), PUBLISHING)
def test_no_file_is_replaced_when_a_signer_lies(
    operator: Operator,  # noqa: F811
    let_lie: Callable[..., None],
    label: str,
    honest: int,
    act: list[str],
) -> None:
    before = published(operator)
    let_lie(label, LIES["another message"], honest)
    said = operator.act(*act)
    assert operator.status == 64
    assert f"signature of the key '{label}' does not verify with its public key" in said
    assert "check the HSM" in said
    assert published(operator) == before


@pytest.mark.parametrize(("label", "honest", "act"), PUBLISHING)
def test_a_key_that_was_not_certified_is_destroyed(
    operator: Operator,  # noqa: F811
    let_lie: Callable[..., None],
    label: str,
    honest: int,
    act: list[str],
) -> None:
    """Otherwise an HSM keeps it, and the newest key of a kind has no certificate."""
    before = operator.pki.custody.labels()
    let_lie(label, LIES["another message"], honest)
    operator.act(*act)
    assert operator.status == 64
    assert operator.pki.custody.labels() == before


@pytest.mark.parametrize(
    ("label", "honest", "act"),
    [
        *(each for each in PUBLISHING if each[0] in {"csca-1", "cvca-1", "cvca-2", "dv-1"}),
        *(("csca-2", honest, ["pki", "renew-csca"]) for honest in (1, 2)),
    ],
)
def test_what_is_published_is_verified_once_more(
    operator: Operator,  # noqa: F811
    let_lie: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    label: str,
    honest: int,
    act: list[str],
) -> None:
    """Without the check of each signature: by the certificate that is published for the signer."""
    before = published(operator)
    let_lie(label, LIES["another message"], honest)
    monkeypatch.setattr(
        CheckedSigner, "sign", lambda self, scheme, message: self.signer.sign(scheme, message)
    )
    assert "signature is wrong" in operator.act(*act)
    assert operator.status == 64
    assert published(operator) == before


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_every_lie_is_found(
    operator: Operator,  # noqa: F811
    let_lie: Callable[..., None],
    lie: Lie,
) -> None:
    before = published(operator)
    let_lie("csca-1", lie)
    for act in ("issue-ds", "issue-crl", "renew-csca"):
        assert "does not verify with its public key" in operator.act("pki", act)
        assert operator.status == 64
        assert published(operator) == before


def test_a_lie_publishes_no_list_and_no_certificate_on_request(
    operator: Operator,  # noqa: F811
    let_lie: Callable[..., None],
) -> None:
    operator.act("pki", "issue-list-signer", "master")
    root, output = operator.folder / "pki" / "csca.cer", operator.folder / "x"
    path = operator.folder / "request.cvreq"
    path.write_bytes(request(EcPrivateKey.generate(CURVE), SCHEME, "XXDV00001").encode())
    before = published(operator)
    for label, act in (
        ("mls-1", ["pki", "publish-master-list", str(root)]),
        ("cvca-1", ["eac", "certify", str(path), "--role", "foreign-dv", "--days", "9"]),
    ):
        let_lie(label, LIES["another key"])
        said = operator.act(*act, "-o", str(output))
        assert (operator.status, output.exists()) == (64, False)
        assert "does not verify with its public key" in said
    assert published(operator) == before


def test_a_revocation_is_kept_when_its_list_cannot_be_signed(
    operator: Operator,  # noqa: F811
    let_lie: Callable[..., None],
) -> None:
    before = published(operator)
    let_lie("csca-1", LIES["rubbish"])
    operator.act("pki", "revoke", "ds", "--affected", "-")
    assert operator.status == 64
    after = published(operator)
    assert {each for each in before if before[each] != after[each]} == {"pki.json"}
    assert operator.pki.is_revoked(operator.pki.certificate("ds"))


def test_a_pki_whose_signer_lies_is_not_made(
    operator: Operator,  # noqa: F811
    let_lie: Callable[..., None],
) -> None:
    for label in ("csca-1", "ds-1", "cvca-1", "dv-1", "audit"):
        let_lie(label, LIES["another message"])
        said = operator.run("pki", "init", str(operator.folder / "other"))
        assert "does not verify with its public key" in said, label
        assert not (operator.folder / "other").exists()


@pytest.mark.parametrize(
    ("label", "honest"),
    [*(("csca-1", honest) for honest in range(1, 6)), ("cvca-1", 0), ("cvca-1", 1), ("dv-1", 0)],
)
def test_everything_of_a_new_pki_is_verified_once_more(
    operator: Operator,  # noqa: F811
    let_lie: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    label: str,
    honest: int,
) -> None:
    """Certificates of the CSCA, Document Signer, station and intake, the CRL, the EAC chain."""
    let_lie(label, LIES["another message"], honest)
    monkeypatch.setattr(
        CheckedSigner, "sign", lambda self, scheme, message: self.signer.sign(scheme, message)
    )
    said = operator.run("pki", "init", str(operator.folder / "other"))
    assert "signature is wrong" in said
    assert not (operator.folder / "other").exists()


@pytest.fixture
def swapped(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that puts a stranger's key, whole, under a label."""
    honest_signer = FileCustody.signer

    def swap(label: str) -> None:
        def signer(custody: FileCustody, wanted: str) -> Signer:
            return STRANGER if wanted == label else honest_signer(custody, wanted)

        monkeypatch.setattr(FileCustody, "signer", signer)

    return swap


@pytest.mark.parametrize(
    ("label", "act", "reason"),
    [
        ("csca-1", ["pki", "issue-ds"], "no root was issued"),
        ("csca-1", ["pki", "issue-crl"], "no root was issued"),
        ("csca-1", ["pki", "renew-csca"], "no root was issued"),
        ("ds-2", ["pki", "issue-ds"], "is another one than"),
        ("cvca-1", ["eac", "renew-cvca"], "none of the keys cvca-"),
        ("cvca-1", ["eac", "renew-dv"], "none of the keys cvca-"),
        ("dv-1", ["eac", "renew-is"], "none of the keys dv-"),
    ],
)
def test_a_key_that_the_published_certificate_is_not_for_publishes_nothing(
    operator: Operator,  # noqa: F811
    swapped: Callable[[str], None],
    label: str,
    act: list[str],
    reason: str,
) -> None:
    """Its signatures verify with its own public half, and with nobody's certificate."""
    before = published(operator)
    swapped(label)
    said = operator.act(*act)
    assert operator.status == 64
    assert reason in said
    assert published(operator) == before


def test_what_does_not_verify_is_not_written(operator: Operator) -> None:  # noqa: F811
    pki, before = operator.pki, published(operator)
    for name in ("csca", "ds", "station"):
        with pytest.raises(ProtocolError, match="signature is wrong"):
            pki.publish(name, Certificate.parse(damaged(pki.certificate(name).der)))
    assert published(operator) == before


def test_a_list_under_another_csca_is_not_signed(operator: Operator) -> None:  # noqa: F811
    operator.act("pki", "issue-list-signer", "master")
    pki = operator.pki
    with pytest.raises(ProtocolError, match="signature is wrong"):
        sign_list(
            ID_MASTER_LIST,
            encode_master_list(()),
            pki.signer("mls-1"),
            pki.certificate("mls"),
            csca=pki.certificate("station"),
            scheme=pki.settings.scheme,
            at=datetime.now(UTC),
        )
