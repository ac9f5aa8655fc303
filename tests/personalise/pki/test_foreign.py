"""Our Document Verifier and foreign CVCAs: requests, answers, links, and the terminals."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from emrtd.crypto.hashes import Hash
from emrtd.crypto.key_kinds import generate_private_key
from emrtd.crypto.private_keys import PrivateKey
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.errors import ProtocolError
from emrtd.pki.cvc.authorization import ALL_RIGHTS, Chat, Right, Role
from emrtd.pki.cvc.certificates import CvCertificate, issue
from emrtd.pki.cvc.keys import CvPublicKey
from emrtd.pki.cvc.requests import CvRequest, request
from emrtd.pki.cvc.validation import TrustState, find_chain
from personalise.commands.main import personalise
from personalise.pki.create import create_pki
from personalise.pki.destroying import is_in_use
from personalise.pki.foreign import ask, certify_terminal, take
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.operations import PkiOperations
from personalise.pki.settings import settings_for
from personalise.pki.status.due import due
from personalise.pki.status.overview import read_overview
from personalise.pki.status.values import Use
from support.command_line import run_command_line
from support.errors import MisuseError
from support.secret import Secret

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
SCHEMES = {
    "brainpoolP256r1": SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256),
    "secp521r1": SignatureScheme(SignatureFamily.ECDSA, Hash.SHA512),
    "RSA-2048": SignatureScheme(SignatureFamily.RSA, Hash.SHA256),
    "RSA-2048 PSS": SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA256),
}


@dataclass
class Cvca:
    """A foreign CVCA, with one key after another."""

    kind: str
    key: PrivateKey
    certificate: CvCertificate

    @classmethod
    def first(cls, kind: str, reference: str = "XXCVCA00001", day: date = TODAY) -> "Cvca":
        key = generate_private_key(kind.split(maxsplit=1)[0])
        return cls(kind, key, _certified(kind, key, reference, day, (key, kind, reference)))

    def renewed(self, kind: str, reference: str) -> tuple["Cvca", CvCertificate]:
        """Return the CVCA with its next key, and the link to it."""
        day = self.certificate.effective + timedelta(days=1)
        own = Cvca.first(kind, reference, day)
        by = self.key, self.kind, self.certificate.holder_reference
        return own, _certified(kind, own.key, reference, day, by)

    def answer(
        self, asked: CvRequest, role: Role = Role.DV_FOREIGN, days: int = 30
    ) -> CvCertificate:
        asked.verify()
        return issue(
            public_key=asked.public_key,
            holder=asked.holder_reference,
            chat=Chat.inspection_system(role, Right.READ_DG3),
            effective=TODAY,
            expiration=TODAY + timedelta(days=days),
            signer=self.key,
            scheme=SCHEMES[self.kind],
            authority=self.certificate.holder_reference,
        )


def _certified(
    kind: str, key: PrivateKey, holder: str, day: date, by: tuple[PrivateKey, str, str]
) -> CvCertificate:
    signer, signer_kind, authority = by
    return issue(
        public_key=CvPublicKey.of(key.public_key, SCHEMES[kind]),
        holder=holder,
        chat=Chat.inspection_system(Role.CVCA, ALL_RIGHTS),
        effective=day,
        expiration=day + timedelta(days=900),
        signer=signer,
        scheme=SCHEMES[signer_kind],
        authority=authority,
    )


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("foreign")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder / "user"))
        create_pki(folder / "pki", settings_for("UTO", "Utopia"), Secret(b"x"), NOW)
        yield folder / "pki"


@pytest.fixture
def operations(template: Path, tmp_path: Path) -> PkiOperations:
    shutil.copytree(template, tmp_path / "pki")
    return PkiOperations(IssuingPki.open(tmp_path / "pki", Secret(b"x")), (), NOW)


def terminal_of(operations: PkiOperations) -> list[CvCertificate]:
    folder = operations.pki.folder / "foreign" / "XX" / "terminal"
    return [CvCertificate.decode(path.read_bytes()) for path in folder.glob("*.cvcert")]


def require_accepted(trust_point: CvCertificate, terminal: list[CvCertificate], end: str) -> None:
    """A chip with this trust point accepts the terminal (Doc 9303-11, 7.1.4.3)."""
    state = TrustState.initial([trust_point], TODAY)
    key = state.trust_points[0]
    for each in find_chain(terminal, state.references, end):
        state, key = state.validate(each, key)
    assert key.role is Role.TERMINAL
    assert key.authorization.rights == Right.READ_DG3


@pytest.mark.parametrize("kind", SCHEMES)
def test_a_chip_of_the_other_state_accepts_our_terminal(
    operations: PkiOperations, kind: str
) -> None:
    cvca = Cvca.first(kind)
    asked = ask(operations, [cvca.certificate])
    assert (asked.holder_reference, asked.authority_reference) == ("UTDVXX001", "XXCVCA00001")
    assert asked.outer_reference is None
    answer = take(operations, [cvca.answer(asked)])
    made = certify_terminal(operations, "XX", ALL_RIGHTS)
    assert made.holder_reference == "UTISXX001"
    assert made.expiration <= answer.expiration
    require_accepted(cvca.certificate, terminal_of(operations), "UTISXX001")


@pytest.mark.parametrize("kinds", [("brainpoolP256r1", "RSA-2048 PSS"), ("RSA-2048", "secp521r1")])
def test_links_are_followed_and_the_next_request_is_authenticated(
    operations: PkiOperations, kinds: tuple[str, str]
) -> None:
    first = Cvca.first(kinds[0])
    asked = ask(operations, [first.certificate])
    take(operations, [first.answer(asked)])
    second, link = first.renewed(kinds[1], "XXOTHER00001")  # a new key of another kind, a new name
    further = ask(operations, [link])
    assert (further.holder_reference, further.authority_reference) == ("UTDVXX002", "XXOTHER00001")
    assert further.outer_reference == "UTDVXX001"
    further.verify_outer(asked.public_key)
    certify_terminal(operations, "XX", Right.READ_DG3)  # still with the certificate before
    require_accepted(first.certificate, terminal_of(operations), "UTISXX001")
    take(operations, [second.answer(further), link])
    certify_terminal(operations, "XX", Right.READ_DG3)
    for trust_point in (first.certificate, second.certificate):
        require_accepted(trust_point, terminal_of(operations), "UTISXX002")


def test_a_first_request_may_be_signed_by_our_cvca(operations: PkiOperations) -> None:
    asked = ask(operations, [Cvca.first("brainpoolP256r1").certificate], by_our_cvca=True)
    assert asked.outer_reference == "UTCVCA00001"
    asked.verify_outer(operations.pki.trust_point.public_key)


def test_a_second_request_replaces_the_first_and_its_key(operations: PkiOperations) -> None:
    cvca, custody = Cvca.first("brainpoolP256r1"), operations.pki.custody
    first = ask(operations, [cvca.certificate])
    second = ask(operations, [cvca.certificate])
    assert first.holder_reference == second.holder_reference
    assert [each for each in custody.labels() if each.startswith("dvxx")] == ["dvxx-2"]
    with pytest.raises(ProtocolError, match="is not for the key that was asked for"):
        take(operations, [cvca.answer(first)])
    take(operations, [cvca.answer(second)])
    third = ask(operations, [cvca.certificate])  # the key that is certified stays
    assert third.outer_reference == second.holder_reference
    assert [each for each in custody.labels() if each.startswith("dvxx")] == ["dvxx-2", "dvxx-3"]
    custody.generate("dvxx-4", "brainpoolP256r1")  # as a request that was killed leaves it

    def used() -> set[str]:
        return {each for each in ("dvxx-2", "dvxx-3", "dvxx-4") if is_in_use(operations, each)}

    assert used() == {"dvxx-2", "dvxx-3"}  # the terminal needs the key before until the answer
    take(operations, [cvca.answer(third)])
    assert used() == {"dvxx-3"}


def test_the_status_shows_what_other_states_certified(operations: PkiOperations) -> None:
    cvca = Cvca.first("brainpoolP256r1")
    take(operations, [cvca.answer(ask(operations, [cvca.certificate]))])
    certify_terminal(operations, "XX", Right.READ_DG3)
    overview = read_overview(operations.pki, NOW)
    held = {each.name: (each.serial, each.use) for each in overview.certificates}
    root = f"foreign/XX/cvca/root-{b'XXCVCA00001'.hex()}"
    assert held[root] == ("XXCVCA00001", Use.KEPT)
    assert held["foreign/XX/dv"] == ("UTDVXX001", Use.IN_USE)
    assert held["foreign/XX/terminal/is"] == ("UTISXX001", Use.IN_USE)

    def said(days: int) -> dict[str, tuple[str, bool]]:
        found = due(read_overview(operations.pki, NOW + timedelta(days=days)))
        return {each.what: (each.command, each.overdue) for each in found if "UTDV" in each.what}

    what = "the certificate UTDVXX001 of foreign/XX/dv.cvcert ends"
    command = "personalise eac request foreign/XX/cvca/*.cvcert"
    assert said(10) == {}
    assert said(20) == {what: (command, False)}
    assert said(32) == {what: (command, True)}


def test_an_expired_certificate_does_not_sign_the_next_request(operations: PkiOperations) -> None:
    cvca = Cvca.first("brainpoolP256r1")
    take(operations, [cvca.answer(ask(operations, [cvca.certificate]))])
    later = PkiOperations(operations.pki, (), NOW + timedelta(days=31))
    asked = ask(later, [cvca.certificate])
    assert (asked.holder_reference, asked.outer_reference) == ("UTDVXX002", None)
    with pytest.raises(MisuseError, match="has no valid certificate of XX"):
        certify_terminal(later, "XX", ALL_RIGHTS)


def test_what_does_not_follow_from_the_trusted_root_is_refused(operations: PkiOperations) -> None:
    first, stranger = Cvca.first("brainpoolP256r1"), Cvca.first("brainpoolP256r1", "XXCVCA00009")
    asked = ask(operations, [first.certificate])
    _, foreign_link = stranger.renewed("brainpoolP256r1", "XXCVCA00010")
    for brought in (foreign_link, stranger.certificate):
        with pytest.raises(ProtocolError, match="no link leads from XXCVCA00001"):
            ask(operations, [brought])
    same_name = Cvca.first("brainpoolP256r1")
    with pytest.raises(ProtocolError):
        take(operations, [same_name.answer(asked)])
    _, forged = same_name.renewed("brainpoolP256r1", "XXCVCA00002")
    with pytest.raises(ProtocolError):
        ask(operations, [forged])
    with pytest.raises(ProtocolError, match="is no key of the CVCA that is trusted"):
        take(operations, [stranger.answer(asked)])


def ask_elsewhere(cvca: Cvca) -> CvRequest:
    key = generate_private_key(cvca.kind)
    return request(key, SCHEMES[cvca.kind], "UTDVXX001", authority="XXCVCA00001")


def test_an_answer_must_be_what_was_asked_for(operations: PkiOperations) -> None:
    cvca = Cvca.first("brainpoolP256r1")
    with pytest.raises(MisuseError, match="nothing was asked"):
        take(operations, [cvca.answer(ask_elsewhere(cvca))])
    asked = ask(operations, [cvca.certificate])
    with pytest.raises(ProtocolError, match="is not for the key that was asked for"):
        take(operations, [cvca.answer(ask_elsewhere(cvca))])
    with pytest.raises(MisuseError, match="0 certificates of a Document Verifier"):
        take(operations, [cvca.answer(asked, Role.TERMINAL)])
    later = PkiOperations(operations.pki, (), NOW + timedelta(days=9))
    with pytest.raises(ProtocolError, match="it expired on"):
        take(later, [cvca.answer(asked, days=8)])
    good = cvca.answer(asked)
    take(operations, [good])
    with pytest.raises(MisuseError, match="nothing was asked"):
        take(operations, [good])


def test_whose_certificates_may_be_brought(operations: PkiOperations) -> None:
    cvca = Cvca.first("brainpoolP256r1")
    with pytest.raises(MisuseError, match="is our own State"):
        ask(operations, [operations.pki.trust_point])
    with pytest.raises(MisuseError, match="certificates of one CVCA"):
        ask(operations, [cvca.certificate, operations.pki.trust_point])
    with pytest.raises(MisuseError, match="certificates of one CVCA"):
        ask(operations, [operations.pki.cv_certificate("dv.cvcert")])
    _, link = cvca.renewed("brainpoolP256r1", "XXCVCA00002")
    with pytest.raises(MisuseError, match="no CVCA of XX is trusted yet"):
        ask(operations, [link])
    for country in ("xx", "..", "X", "XX/.."):
        with pytest.raises(MisuseError, match="is not the code of a country"):
            certify_terminal(operations, country, ALL_RIGHTS)


def test_two_states_as_their_officers_type_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"

    def run(*arguments: str | Path) -> str:
        status = run_command_line(personalise, [str(each) for each in arguments])
        captured = capsys.readouterr()
        assert status == 0, captured.err
        return captured.out

    run("pki", "init", ours)
    run("pki", "init", theirs, "--issuing-state", "AUT", "--contact", "csca@aut.example")
    asked, answer = tmp_path / "to.cvreq", tmp_path / "from.cvcert"
    said = run("eac", "request", theirs / "terminal" / "cvca.cvcert", "--pki", ours, "-o", asked)
    assert "UTDVAT001 asks ATCVCA00001" in said
    for_dv = "--role", "foreign-dv", "--days", "30"
    run("eac", "certify", asked, *for_dv, "--pki", theirs, "-o", answer)
    assert "UTDVAT001 by ATCVCA00001" in run("eac", "import", answer, "--pki", ours)
    assert "UTISAT001" in run("eac", "certify-terminal", "AT", "--right", "dg3", "--pki", ours)
    folder = ours / "foreign" / "AT" / "terminal"
    assert {path.name for path in folder.iterdir()} >= {"dv.cvcert", "is.cvcert", "is.p8"}


def test_a_restored_pki_asks_under_another_name(operations: PkiOperations) -> None:
    foreign = Cvca.first("brainpoolP256r1")
    ask(operations, [foreign.certificate])
    lost = ask(operations, [foreign.certificate])
    take(operations, [foreign.answer(lost)])
    with pytest.raises(MisuseError, match="DV is the name of our Document Verifier"):
        ask(operations, [foreign.certificate], name="DV")
    with pytest.raises(MisuseError, match="not 1 to 9 capital letters"):
        ask(operations, [foreign.certificate], name="../x")
    again = ask(operations, [foreign.certificate], name="DV2", by_our_cvca=True)
    assert again.holder_reference == "UTDV2XX001"
    assert again.outer_reference == "UTCVCA00001", "the key of before is not used"
    take(operations, [foreign.answer(again)])
    assert ask(operations, [foreign.certificate]).holder_reference == "UTDV2XX002"
