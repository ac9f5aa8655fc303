import json
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd.asn1 import ber, der
from emrtd.pki.cms.enveloped import seal
from emrtd.pki.cms.signed_stream import SignedStream
from emrtd.pki.x509.certificate_writer import key_identifier
from personalise.intake.archive_rules import Limits
from personalise.intake.package import (
    Authenticate,
    open_package,
    opened_application,
    seal_application,
)
from personalise.intake.refusals import Refusal, RefusedPackageError
from personalise.intake.senders import NOBODY, Sender, Senders, authenticate
from personalise.pki.create import create_pki
from personalise.pki.destroying import destroy_key
from personalise.pki.intake_keys import intake_keys, issue_intake
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.operations import PkiOperations
from personalise.pki.settings import settings_for
from personalise.preparing.application import MAX_IMAGE
from support.errors import MisuseError
from support.records import FieldError
from tests.certificates import Authority
from tests.helpers import REPOSITORY
from tests.personalise.applications import CONTRACT, folder, images
from tests.personalise.conftest import NOW, PASSPHRASE
from tests.personalise.intake.packages import application_files, packed, sealed, tarred, zipped


def number_of(path: Path, pki: IssuingPki) -> str:
    with opened_application(path, intake_keys(pki)) as read:
        return read.particulars.document.number


def test_only_the_pkis_intake_key_opens_a_package(pki: IssuingPki, tmp_path: Path) -> None:
    source = folder(tmp_path / "application")
    (source / "unrelated").write_bytes(b"not named by the application")
    package = tmp_path / "0001.p7m"
    package.write_bytes(seal_application(source, pki.certificate("intake")))
    assert b"portrait" not in package.read_bytes()
    with opened_application(package, intake_keys(pki)) as read:
        assert read.particulars.document.number == CONTRACT["document"]["number"]
        assert read.image("biometrics.portrait", "portrait.jpg") == images()["portrait.jpg"]
        with pytest.raises(FieldError, match="holds no file of this name"):
            read.image("biometrics.portrait", "unrelated")
    for_another = seal_application(source, pki.certificate("station"))
    package.write_bytes(for_another)
    assert refusal(package, pki) is Refusal.OTHER_RECIPIENT


def refusal(path: Path, pki: IssuingPki) -> Refusal:
    with pytest.raises(RefusedPackageError) as refused:
        number_of(path, pki)
    assert str(path) in str(refused.value)
    return refused.value.refusal


def made_by_openssl(command: list[str], pki: IssuingPki, folder_: Path) -> bytes:
    """Run a command beside `application.zip`, `intake.cer` and other.pem, which is RSA's."""
    source = folder(folder_ / "application")
    with zipfile.ZipFile(folder_ / "application.zip", "w") as file:
        for path in source.iterdir():
            file.write(path, path.name)
    (folder_ / "intake.cer").write_bytes(pki.certificate("intake").der)
    other = Authority(kind="RSA-2048").certificate()
    (folder_ / "other.pem").write_text(other.to_pem(), encoding="ascii")
    subprocess.run(command, check=True, cwd=folder_)
    return (folder_ / "FILE").read_bytes()


def documented_command() -> list[str]:
    """The command of the guide."""
    guide = (REPOSITORY / "docs" / "personalisation.md").read_text(encoding="utf-8")
    (line,) = (each for each in guide.splitlines() if each.startswith("    openssl cms -encrypt"))
    return line.split()


ECDH_SHA256, RSA = der.oid("1.3.132.1.11.1"), der.oid("1.2.840.113549.1.1.1")


def test_the_documented_command_of_openssl_makes_a_package(pki: IssuingPki, tmp_path: Path) -> None:
    package = made_by_openssl(documented_command(), pki, tmp_path)
    assert ECDH_SHA256 in package
    assert number_of(tmp_path / "FILE", pki) == CONTRACT["document"]["number"]


@pytest.mark.parametrize(
    ("options", "mark"),
    [
        ("-stream", b"\x30\x80"),
        ("-outform PEM", b"-----BEGIN CMS-----"),
        ("-outform PEM -stream", b"-----BEGIN CMS-----"),
        ("-outform SMIME", b"MIME-Version: 1.0"),
        ("-outform SMIME -stream -crlfeol", b"MIME-Version: 1.0"),
        ("-recip other.pem", RSA),
        ("-recip other.pem -stream", RSA),
    ],
)
def test_a_package_is_read_in_each_form_that_openssl_writes(
    options: str, mark: bytes, pki: IssuingPki, tmp_path: Path
) -> None:
    command = [*documented_command(), *options.split()]
    package = made_by_openssl(command, pki, tmp_path)
    assert mark in package[:4096]
    with opened_application(tmp_path / "FILE", intake_keys(pki)) as read:
        assert read.image("biometrics.portrait", "portrait.jpg") == images()["portrait.jpg"]


@pytest.mark.parametrize(
    ("cipher", "reason"),
    [
        ("-des3", "key is wrapped with 1.2.840.113549.1.9.16.3.6"),  # OpenSSL 3.0's own choice
        ("-camellia-256-cbc", "content is encrypted with 1.2.392.200011.61.1.1.1.4"),
    ],
)
def test_another_cipher_is_refused_with_the_option_to_use(
    cipher: str, reason: str, pki: IssuingPki, tmp_path: Path
) -> None:
    command = [cipher if each == "-aes-256-gcm" else each for each in documented_command()]
    made_by_openssl(command, pki, tmp_path)
    with pytest.raises(RefusedPackageError, match=reason) as refused:
        number_of(tmp_path / "FILE", pki)
    assert refused.value.refusal is Refusal.NOT_A_PACKAGE
    assert refused.value.advice.endswith("`openssl cms` with -aes-256-gcm")


def test_a_package_of_openssl_without_binary_is_refused_with_the_option_to_use(
    pki: IssuingPki, tmp_path: Path
) -> None:
    for cipher in ("-aes-256-gcm", "-aes-256-cbc"):
        command = [cipher if each == "-aes-256-gcm" else each for each in documented_command()]
        made_by_openssl([each for each in command if each != "-binary"], pki, tmp_path)
        with pytest.raises(RefusedPackageError) as refused:
            number_of(tmp_path / "FILE", pki)
        assert "`openssl cms` needs `-binary`" in refused.value.advice


def test_a_package_for_others_alone_is_refused(pki: IssuingPki, tmp_path: Path) -> None:
    command = documented_command()
    place = command.index("-recip")
    command[place : place + 4] = ["-recip", "other.pem"]
    made_by_openssl(command, pki, tmp_path)
    assert refusal(tmp_path / "FILE", pki) is Refusal.OTHER_RECIPIENT


def test_a_folder_is_read_too(pki: IssuingPki, tmp_path: Path) -> None:
    assert number_of(folder(tmp_path / "application"), pki) == CONTRACT["document"]["number"]


NOT_PACKAGES = (b"", b"PK\x03\x04 a zip in clear", b"\x30\x03\x02\x01\x00")


@pytest.mark.parametrize("octets", NOT_PACKAGES, ids=["nothing", "zip", "DER"])
def test_a_file_that_is_not_a_package_is_refused(
    octets: bytes, pki: IssuingPki, tmp_path: Path
) -> None:
    path = tmp_path / "package"
    path.write_bytes(octets)
    assert refusal(path, pki) is Refusal.NOT_A_PACKAGE


def test_a_zip_in_clear_is_named(pki: IssuingPki, tmp_path: Path) -> None:
    path = tmp_path / "package"
    path.write_bytes(NOT_PACKAGES[1])
    with pytest.raises(RefusedPackageError, match="a zip that is not encrypted") as refused:
        number_of(path, pki)
    assert "unpack it" in refused.value.advice


def test_content_that_is_not_an_archive_is_refused(pki: IssuingPki, tmp_path: Path) -> None:
    path = tmp_path / "package"
    for content in (b"", b"not a zip", b"PK\x03\x04" + b"\0" * 40):
        assert refusal(sealed(path, content, pki), pki) is Refusal.DAMAGED_CONTENT
    assert refusal(packed(path, {"x": b""}, pki), pki) is Refusal.NO_APPLICATION
    assert refusal(sealed(path, b"\x30\x03\x02\x01\x00", pki), pki) is Refusal.NOT_A_PACKAGE


def test_an_image_that_is_a_bomb_is_refused(pki: IssuingPki, tmp_path: Path) -> None:
    record = json.dumps(CONTRACT).encode()
    bomb = {"application.json": record, "portrait.jpg": bytes(MAX_IMAGE + 1)}
    path = packed(tmp_path / "package", bomb, pki)
    with (
        opened_application(path, intake_keys(pki)) as read,
        pytest.raises(FieldError, match=r"biometrics\.portrait: a file has more than"),
    ):
        read.image("biometrics.portrait", "portrait.jpg")


def test_several_applications_are_for_the_intake(pki: IssuingPki, tmp_path: Path) -> None:
    files = application_files("0001/") | application_files("0002/")
    with pytest.raises(MisuseError, match=r"holds 2 applications; .*personalise intake"):
        number_of(packed(tmp_path / "package", files, pki), pki)


def openssl(folder_: Path, *command: str) -> None:
    subprocess.run(["openssl", *command], check=True, cwd=folder_, capture_output=True)


@pytest.fixture
def place(pki: IssuingPki, tmp_path: Path) -> Path:
    """A folder with application.zip, .tar and .tgz, intake.cer, and a sender's key."""
    files = application_files("top/")
    (tmp_path / "application.zip").write_bytes(zipped(files))
    (tmp_path / "application.tar").write_bytes(tarred(files))
    (tmp_path / "application.tgz").write_bytes(tarred(files, "w:gz"))
    (tmp_path / "intake.cer").write_bytes(pki.certificate("intake").der)
    options = (
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=case",
    )
    openssl(tmp_path, "req", "-x509", *options, "-keyout", "case.key", "-out", "case.pem")
    return tmp_path


def accepting(known: Senders) -> Authenticate:
    return partial(authenticate, senders=known, at=datetime.now(UTC) + timedelta(seconds=1))


SIGN = ("cms", "-sign", "-binary", "-nodetach", "-signer", "case.pem", "-inkey", "case.key")
ENCRYPT = ("cms", "-encrypt", "-binary")


def encrypt(place: Path, source: str, *options: str, form: str = "DER") -> Path:
    made = ("-outform", form, "-in", source, "-out", "FILE", "-recip", "intake.cer")
    openssl(place, *ENCRYPT, *options, *made)
    return place / "FILE"


@pytest.mark.parametrize("archive", ["application.zip", "application.tar", "application.tgz"])
@pytest.mark.parametrize("cipher", ["-aes-256-gcm", "-aes-128-cbc"])
@pytest.mark.parametrize("signed", ["DER", "PEM", "SMIME"])
def test_a_signature_inside_is_removed(
    signed: str, cipher: str, archive: str, place: Path, pki: IssuingPki
) -> None:
    openssl(place, *SIGN, "-in", archive, "-outform", signed, "-out", "signed")
    path = encrypt(place, "signed", cipher)
    known = Senders.load(place / "case.pem")
    with open_package(path, intake_keys(pki), Limits(), accepting(known)) as package:
        assert package.sender.is_authenticated
        (packed_application,) = package.applications
        assert packed_application.folder == "top/"
    assert number_of(path, pki) == CONTRACT["document"]["number"]


@pytest.mark.parametrize("form", ["DER", "PEM", "SMIME"])
@pytest.mark.parametrize("inside", [False, True])
def test_a_signature_outside_is_removed(
    inside: bool, form: str, place: Path, pki: IssuingPki
) -> None:
    source = "application.zip"
    if inside:
        openssl(place, *SIGN, "-in", source, "-outform", "DER", "-out", "signed")
        source = "signed"
    encrypt(place, source, "-aes-256-gcm", form=form)
    for _ in range(2):
        openssl(place, *SIGN, "-in", "FILE", "-outform", form, "-out", "outer")
        (place / "outer").rename(place / "FILE")
    found: list[SignedStream] = []

    def collect(signatures: Sequence[SignedStream]) -> Sender:
        found.extend(signatures)
        return NOBODY

    with open_package(place / "FILE", intake_keys(pki), Limits(), collect):
        assert len(found) == 2 + inside
    assert number_of(place / "FILE", pki) == CONTRACT["document"]["number"]


def test_a_signature_without_content_info_is_removed(place: Path, pki: IssuingPki) -> None:
    """Some encrypt SignedData under its own content type, without the ContentInfo around it."""
    openssl(place, *SIGN, "-in", "application.zip", "-outform", "DER", "-out", "signed")
    whole = (place / "signed").read_bytes()
    bare = ber.read(whole, "signed").children[1].children[0].encoded
    for content in (whole, bare):
        path = sealed(place / "FILE", content, pki)
        octets = path.read_bytes()
        data, signed_data = der.oid("1.2.840.113549.1.7.1"), der.oid("1.2.840.113549.1.7.2")
        path.write_bytes(octets.replace(data, signed_data, 1))
        known = Senders.load(place / "case.pem")
        with open_package(path, intake_keys(pki), Limits(), accepting(known)) as package:
            assert package.sender.is_authenticated
        assert number_of(path, pki) == CONTRACT["document"]["number"]


def test_a_package_that_is_only_signed_is_refused(place: Path, pki: IssuingPki) -> None:
    openssl(place, *SIGN, "-in", "application.zip", "-outform", "DER", "-out", "signed")
    assert refusal(place / "signed", pki) is Refusal.NOT_A_PACKAGE


def test_one_digest_stands_for_every_form_of_a_package(place: Path, pki: IssuingPki) -> None:
    """Who repeats a package in another encoding is noticed."""
    encrypt(place, "application.zip", "-aes-256-gcm")
    digests = set()
    for form in ("DER", "PEM", "SMIME"):
        openssl(place, "cms", "-cmsout", "-inform", "DER", "-in", "FILE", "-outform", form,
                "-out", form)  # fmt: skip
        with open_package(place / form, intake_keys(pki), Limits()) as package:
            digests.add(package.digest)
    assert len(digests) == 1


def test_a_large_package_is_refused_by_name(place: Path, pki: IssuingPki) -> None:
    path = encrypt(place, "application.zip", "-aes-256-gcm", "-stream")
    size = (place / "application.zip").stat().st_size
    for octets in (size - 1, 100):
        with (
            pytest.raises(RefusedPackageError, match="has more than") as refused,
            open_package(path, intake_keys(pki), Limits(octets=octets)),
        ):
            raise AssertionError
        assert refused.value.refusal is Refusal.TOO_LARGE
    with open_package(path, intake_keys(pki), Limits(octets=size)) as package:
        assert len(package.applications) == 1


def test_errors_of_cbc_do_not_tell_what_was_decrypted(place: Path, pki: IssuingPki) -> None:
    """A wrong padding, a wrong archive and a damaged file are one refusal (RFC 3218)."""
    octets = encrypt(place, "application.zip", "-aes-256-cbc").read_bytes()
    messages = set()
    for changed_at in (-1, -17, -33, -200, -2000, len(octets) // 2):
        altered = bytearray(octets)
        altered[changed_at] ^= 1
        (place / "FILE").write_bytes(altered)
        with pytest.raises(RefusedPackageError) as refused:
            number_of(place / "FILE", pki)
        assert refused.value.refusal is Refusal.NOT_OPENED
        messages.add(refused.value.message)
    for content in (b"not an archive", zipped({"../application.json": b"{}"})):
        (place / "other").write_bytes(content)
        with pytest.raises(RefusedPackageError) as refused:
            number_of(encrypt(place, "other", "-aes-256-cbc"), pki)
        messages.add(refused.value.message)
    assert len(messages) == 1


def test_a_signature_does_not_tell_what_cbc_was_decrypted_to(place: Path, pki: IssuingPki) -> None:
    openssl(place, *SIGN, "-in", "application.zip", "-outform", "DER", "-out", "signed")
    octets = encrypt(place, "signed", "-aes-256-cbc").read_bytes()
    known = accepting(Senders.load(place / "case.pem"))
    messages = set()
    for changed_at in (-1, *range(-17, -400, -16), len(octets) // 2):
        altered = bytearray(octets)
        altered[changed_at] ^= 1
        (place / "FILE").write_bytes(altered)
        with (
            pytest.raises(RefusedPackageError) as refused,
            open_package(place / "FILE", intake_keys(pki), Limits(), known),
        ):
            raise AssertionError
        messages.add(refused.value.message)
    assert len(messages) == 1


def test_the_sender_comes_before_the_archive(place: Path, pki: IssuingPki) -> None:
    (place / "other").write_bytes(b"not an archive")
    known = accepting(Senders.load(place / "case.pem"))
    with (
        pytest.raises(RefusedPackageError, match="is not signed"),
        open_package(encrypt(place, "other", "-aes-256-gcm"), intake_keys(pki), Limits(), known),
    ):
        raise AssertionError


@pytest.fixture(scope="module")
def pki_with_rsa(tmp_path_factory: pytest.TempPathFactory, home: Path) -> IssuingPki:
    made = create_pki(
        tmp_path_factory.mktemp("rsa") / "pki", settings_for("UTO", "Utopia"), PASSPHRASE, NOW
    )
    operations = PkiOperations(made, (), NOW)
    assert issue_intake(operations, "RSA-3072")[0] == "intake-2"
    assert issue_intake(operations, "brainpoolP384r1")[0] == "intake-3"
    return made


def test_every_intake_key_opens_packages(place: Path, pki_with_rsa: IssuingPki) -> None:
    labels = [each.label for each in intake_keys(pki_with_rsa)]
    assert labels == ["intake", "intake-2", "intake-3"]
    for label in labels:
        (place / "intake.cer").write_bytes((pki_with_rsa.folder / f"{label}.cer").read_bytes())
        options = ("-keyopt", "rsa_padding_mode:oaep") if label == "intake-2" else ()
        made = ("-outform", "DER", "-in", "application.zip", "-out", "FILE")
        openssl(place, *ENCRYPT, "-aes-256-gcm", *made, "-recip", "intake.cer", *options)
        assert number_of(place / "FILE", pki_with_rsa) == CONTRACT["document"]["number"]
        sealed_by_us = seal_application(
            folder(place / "application"), pki_with_rsa.certificate(label)
        )
        (place / "FILE").write_bytes(sealed_by_us)
        assert number_of(place / "FILE", pki_with_rsa) == CONTRACT["document"]["number"]


def test_a_retired_intake_key_is_destroyed_but_not_the_last(tmp_path: Path, home: Path) -> None:
    made = create_pki(tmp_path / "pki", settings_for("UTO", "Utopia"), PASSPHRASE, NOW)
    operations = PkiOperations(made, (), NOW)
    with pytest.raises(MisuseError, match="in use and has no successor"):
        destroy_key(operations, "intake")
    issue_intake(operations, "brainpoolP256r1")
    destroy_key(operations, "intake")
    assert [each.label for each in intake_keys(made)] == ["intake-2"]
    with pytest.raises(MisuseError, match="in use and has no successor"):
        destroy_key(operations, "intake-2")


def test_a_key_that_was_made_without_a_certificate_is_replaced(tmp_path: Path) -> None:
    """As after an interruption; not a key whose certificate's file is lost."""
    made = create_pki(tmp_path / "pki", settings_for("UTO", "Utopia"), PASSPHRASE, NOW)
    orphan = made.local_keys.generate("intake-2", "brainpoolP256r1")
    operations = PkiOperations(made, (), NOW)
    label, certificate = issue_intake(operations, "RSA-3072")
    assert label == "intake-2"
    assert certificate.public_key != orphan
    assert [each.label for each in intake_keys(made)] == ["intake", "intake-2"]
    intake_keys(made)[1].private_key()
    (made.folder / "intake-2.cer").unlink()
    assert issue_intake(operations, "brainpoolP256r1")[0] == "intake-3"
    assert made.local_keys.private_key("intake-2").public_key == certificate.public_key


def test_pkcs1_is_accepted_only_by_option(place: Path, pki_with_rsa: IssuingPki) -> None:
    (place / "intake.cer").write_bytes((pki_with_rsa.folder / "intake-2.cer").read_bytes())
    path = encrypt(place, "application.zip", "-aes-256-gcm")
    assert refusal(path, pki_with_rsa) is Refusal.FORBIDDEN_PADDING
    keys = intake_keys(pki_with_rsa)
    with open_package(path, keys, Limits(), allow_pkcs1=True) as package:
        assert len(package.applications) == 1


def test_a_weak_intake_key_is_refused(pki_with_rsa: IssuingPki) -> None:
    for kind, advice in (("RSA-1024", "RSA-3072"), ("secp192r1", "brainpoolP256r1")):
        with pytest.raises(MisuseError, match=f"too small; use {advice}"):
            issue_intake(PkiOperations(pki_with_rsa, (), NOW), kind)


@settings(max_examples=60)
@given(data=st.data())
def test_any_package_is_read_or_refused(data: st.DataObject, pki: IssuingPki) -> None:
    key = pki.certificate("intake").public_key
    assert key is not None
    whole = seal(b"content", key, key_identifier(key))
    octets = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    path = Path(tempfile.mkdtemp()) / "package"
    path.write_bytes(octets)
    try:
        number_of(path, pki)
    except RefusedPackageError:
        return
    finally:
        shutil.rmtree(path.parent)
