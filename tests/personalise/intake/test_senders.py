"""Which signers of packages are accepted."""

import io
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emrtd.pki.cms.signed_stream import SignedStream, read_signed_stream
from personalise.intake.refusals import Refusal, RefusedPackageError
from personalise.intake.senders import NOBODY, Senders, authenticate
from support.errors import MalformedError, MisuseError

CONTENT = b"the archive"


def now() -> datetime:
    """Return a time at which every certificate that openssl has just made is valid."""
    return datetime.now(UTC) + timedelta(seconds=1)


def openssl(place: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, cwd=place, capture_output=True)


EXTENSIONS = """
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[short]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
[leaf]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
[loop]
basicConstraints = CA:TRUE
[encryption]
keyUsage = critical, keyAgreement
[unknown]
1.2.3.4 = critical, DER:0500
[ca_config]
database = index
default_md = sha256
default_crl_days = 10
serial = serial
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates: root -> middle -> leaf, root -> direct, pinned (self-signed), stranger."""
    made = tmp_path_factory.mktemp("senders")
    (made / "config").write_text(EXTENSIONS)
    issue(made, "root", None, "ca")
    issue(made, "middle", "root", "ca")
    issue(made, "leaf", "middle", "leaf")
    issue(made, "direct", "root", "leaf")
    issue(made, "short", "root", "short")
    issue(made, "below", "short", "ca")
    issue(made, "too-deep", "below", "leaf")
    issue(made, "no-ca", "direct", "leaf")
    issue(made, "encryption", "root", "encryption")
    issue(made, "unknown", "root", "unknown")
    issue(made, "expired", "root", "leaf", days="-1")
    issue(made, "stranger", None, "leaf")
    openssl(made, "req", "-x509", *NEW_KEY, "-subj", "/CN=pinned", "-keyout", "pinned.key",
            "-out", "pinned.pem")  # fmt: skip
    (made / "both.pem").write_text((made / "middle.pem").read_text())
    return made


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def issue(place: Path, name: str, issuer: str | None, section: str, days: str = "30") -> None:
    request = ("-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    openssl(place, "req", "-new", *NEW_KEY, *request)
    signing = ("-signkey", f"{name}.key") if issuer is None else (
        "-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial",
    )  # fmt: skip
    extensions = ("-extfile", "config", "-extensions", section)
    openssl(place, "x509", "-req", "-in", f"{name}.csr", *signing, *extensions, "-days", days,
            "-out", f"{name}.pem")  # fmt: skip


def signed(place: Path, name: str, *options: str, content: bytes = CONTENT) -> SignedStream:
    (place / "content").write_bytes(content)
    command = ("cms", "-sign", "-binary", "-nodetach", "-in", "content", "-outform", "DER")
    signer = ("-signer", f"{name}.pem", "-inkey", f"{name}.key", "-out", "signed")
    openssl(place, *command, *signer, *options)
    return read_signed_stream(io.BytesIO((place / "signed").read_bytes()), lambda _: None)


WITH_MIDDLE = ("-certfile", "both.pem")


def senders(place: Path, *names: str) -> Senders:
    path = place / "senders.pem"
    path.write_text("".join((place / f"{name}.pem").read_text() for name in names))
    return Senders.load(path)


@pytest.mark.parametrize(
    ("registered", "signer", "options"),
    [
        ("pinned", "pinned", ()),
        ("pinned", "pinned", ("-nocerts",)),
        ("pinned", "pinned", ("-keyid",)),
        ("direct", "direct", ()),
        ("root", "direct", ()),
        ("root", "leaf", WITH_MIDDLE),
        ("middle", "leaf", ()),
        ("leaf", "leaf", ()),
    ],
)
def test_a_registered_signer_is_accepted(
    registered: str, signer: str, options: tuple[str, ...], place: Path
) -> None:
    known = senders(place, "stranger", registered)
    found = authenticate([signed(place, signer, *options)], known, now())
    assert found.is_authenticated
    assert found.certificate is not None
    assert str(found.certificate.subject) == f"CN={signer}"
    assert found.signed is not None


@pytest.mark.parametrize(
    ("registered", "signer", "options", "reason"),
    [
        ("root", "stranger", (), "is not a registered sender"),
        ("root", "leaf", (), "is not a registered sender"),
        ("stranger", "leaf", WITH_MIDDLE, "is not a registered sender"),
        ("middle", "direct", (), "is not a registered sender"),
        ("root", "too-deep", ("-certfile", "chain.pem"), "so many CAs below"),
        ("root", "no-ca", ("-certfile", "direct.pem"), "not marked as a CA"),
        ("root", "encryption", (), "not for signatures"),
        ("root", "root", (), "not for signatures"),
        ("root", "unknown", (), "not understood"),
        ("root", "expired", (), "is valid from"),
        ("expired", "expired", (), "is valid from"),
        ("root", "direct", ("-nocerts",), "certificate is not enclosed"),
        ("root", "direct", ("-md", "sha1"), "SHA-1"),
        ("root", "direct", ("-noattr",), "no signed attributes"),
    ],
)
def test_another_signer_is_refused_by_name(
    registered: str, signer: str, options: tuple[str, ...], reason: str, place: Path
) -> None:
    chain = [(place / f"{name}.pem").read_text() for name in ("short", "below")]
    (place / "chain.pem").write_text("".join(chain))
    with pytest.raises(RefusedPackageError, match=reason) as refused:
        authenticate([signed(place, signer, *options)], senders(place, registered), now())
    assert refused.value.refusal is Refusal.SENDER


def test_an_unsigned_package_is_refused_only_with_senders(place: Path) -> None:
    assert authenticate([], None, now()) is NOBODY
    with pytest.raises(RefusedPackageError, match="is not signed"):
        authenticate([], senders(place, "root"), now())


def test_without_senders_nobody_is_authenticated(place: Path) -> None:
    found = authenticate([signed(place, "stranger")], None, now())
    assert not found.is_authenticated


def test_a_wrong_signature_is_refused_with_and_without_senders(place: Path) -> None:
    signed(place, "direct")
    octets = (place / "signed").read_bytes().replace(CONTENT, b"another one")
    wrong = read_signed_stream(io.BytesIO(octets), lambda _: None)
    for known in (None, senders(place, "root")):
        with pytest.raises(RefusedPackageError, match="the signature is wrong"):
            authenticate([wrong], known, now())


def test_every_signature_counts_and_the_innermost_is_the_sender(place: Path) -> None:
    inner, outer, stranger = (signed(place, name) for name in ("direct", "pinned", "stranger"))
    known = senders(place, "root", "pinned")
    found = authenticate([outer, inner], known, now())
    assert found.certificate is not None
    assert str(found.certificate.subject) == "CN=direct"
    for signatures in ([stranger, inner], [inner, stranger]):
        with pytest.raises(RefusedPackageError, match="not a registered sender"):
            authenticate(signatures, known, now())


@pytest.mark.parametrize(
    ("away", "reason"),
    [
        (timedelta(days=31), r"more than 30 days ago"),
        (-timedelta(minutes=10), "in the future"),
    ],
)
def test_a_stale_signature_is_refused(away: timedelta, reason: str, place: Path) -> None:
    one = signed(place, "pinned")
    pinned = senders(place, "pinned")
    assert authenticate([one], pinned, now()).is_authenticated
    for known in (None, pinned):
        with pytest.raises(RefusedPackageError, match=reason) as refused:
            authenticate([one], known, now() + away)
        assert refused.value.refusal is Refusal.STALE


def test_the_age_can_be_set(place: Path) -> None:
    later = now() + timedelta(days=2)
    one = signed(place, "pinned")
    known = senders(place, "pinned")
    assert authenticate([one], known, later, timedelta(days=3)).is_authenticated
    with pytest.raises(RefusedPackageError, match="more than 1 days ago"):
        authenticate([one], known, later, timedelta(days=1))


def crl(place: Path, *revoked: str) -> None:
    """Write the revocation list of the root: `root.crl`."""
    (place / "index").write_text("")
    (place / "serial").write_text("01")
    authority = ("-config", "config", "-name", "ca_config", "-cert", "root.pem",
                 "-keyfile", "root.key")  # fmt: skip
    for name in revoked:
        openssl(place, "ca", *authority, "-revoke", f"{name}.pem")
    openssl(place, "ca", *authority, "-gencrl", "-out", "root.crl")


def test_revocation_lists_are_heeded(place: Path, tmp_path: Path) -> None:
    crl(place, "direct")
    for name in ("root.pem", "root.crl"):
        (tmp_path / name).write_bytes((place / name).read_bytes())
    known = Senders.load(tmp_path)
    with pytest.raises(RefusedPackageError, match="certificate is revoked"):
        authenticate([signed(place, "direct")], known, now())
    through_middle = signed(place, "leaf", *WITH_MIDDLE)
    assert authenticate([through_middle], known, now()).is_authenticated
    crl(place, "middle")
    (tmp_path / "root.crl").write_bytes((place / "root.crl").read_bytes())
    with pytest.raises(RefusedPackageError, match="certificate is revoked"):
        authenticate([through_middle], Senders.load(tmp_path), now())
    late = now() + timedelta(days=11)
    with pytest.raises(RefusedPackageError, match="overdue"):
        authenticate([through_middle], known, late, timedelta(days=30))


def test_certificates_that_certify_one_another_end_the_search(place: Path) -> None:
    issue(place, "one", None, "loop")
    issue(place, "two", "one", "loop")
    signing = ("-CA", "two.pem", "-CAkey", "two.key", "-CAcreateserial")
    extensions = ("-extfile", "config", "-extensions", "loop", "-days", "30")
    openssl(place, "x509", "-req", "-in", "one.csr", *signing, *extensions, "-out", "again.pem")
    loop = [(place / f"{name}.pem").read_text() for name in ("one", "again")]
    (place / "loop.pem").write_text("".join(loop))
    one = signed(place, "two", "-certfile", "loop.pem")
    with pytest.raises(RefusedPackageError, match="not a registered sender"):
        authenticate([one], senders(place, "root"), now())
    assert authenticate([one], senders(place, "again"), now()).is_authenticated


BAD: dict[str, tuple[Callable[[Path], object], type[Exception]]] = {
    "nothing": (lambda path: path.write_bytes(b""), MalformedError),
    "text": (lambda path: path.write_text("no certificate"), MalformedError),
    "an empty folder": (lambda path: path.mkdir(), MisuseError),
}


@pytest.mark.parametrize(("make", "error"), BAD.values(), ids=BAD)
def test_a_file_without_certificates_is_refused(
    make: Callable[[Path], object], error: type[Exception], tmp_path: Path
) -> None:
    make(tmp_path / "senders")
    with pytest.raises(error):
        Senders.load(tmp_path / "senders")
