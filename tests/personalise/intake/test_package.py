import io
import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd.asn1 import der
from emrtd.pki.cms.enveloped import seal
from personalise.intake.package import MAX_ENTRIES, load_application, seal_application
from personalise.pki.issuing_pki import IssuingPki
from personalise.preparing.application import MAX_IMAGE
from support.errors import MisuseError
from support.secret import Secret
from tests.certificates import Authority
from tests.helpers import REPOSITORY
from tests.personalise.applications import CONTRACT, folder, images


def packed(path: Path, files: dict[str, bytes], pki: IssuingPki) -> Path:
    """Write a package with these files to `path`."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in files.items():
            archive.writestr(name, octets)
    return sealed(path, stream.getvalue(), pki)


def sealed(path: Path, content: bytes, pki: IssuingPki) -> Path:
    key = pki.certificate("intake").public_key
    assert key is not None
    path.write_bytes(seal(content, key, b"id"))  # type: ignore[arg-type]
    return path


def test_only_the_pkis_intake_key_opens_a_package(pki: IssuingPki, tmp_path: Path) -> None:
    source = folder(tmp_path / "application")
    (source / "unrelated").write_bytes(b"not named by the application")
    package = tmp_path / "0001.p7m"
    package.write_bytes(seal_application(source, pki.certificate("intake")))
    assert b"portrait" not in package.read_bytes()
    read = load_application(package, pki.open_package)
    assert read.particulars.document.number == CONTRACT["document"]["number"]
    assert read.image("biometrics.portrait", "portrait.jpg") == images()["portrait.jpg"]
    with pytest.raises(MisuseError, match="holds no file unrelated"):
        read.image("biometrics.portrait", "unrelated")
    for_another = seal_application(source, pki.certificate("station"))
    package.write_bytes(for_another)
    with pytest.raises(MisuseError, match="not an application encrypted for this PKI"):
        load_application(package, pki.open_package)


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
    read = load_application(tmp_path / "FILE", pki.open_package)
    assert read.particulars.holder.sex == "F"


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
    read = load_application(tmp_path / "FILE", pki.open_package)
    assert read.image("biometrics.portrait", "portrait.jpg") == images()["portrait.jpg"]


def test_a_package_for_others_alone_is_refused(pki: IssuingPki, tmp_path: Path) -> None:
    command = documented_command()
    place = command.index("-recip")
    command[place : place + 4] = ["-recip", "other.pem"]
    made_by_openssl(command, pki, tmp_path)
    with pytest.raises(MisuseError, match="not an application encrypted for this PKI"):
        load_application(tmp_path / "FILE", pki.open_package)


def test_load_application_reads_a_folder_too(pki: IssuingPki, tmp_path: Path) -> None:
    read = load_application(folder(tmp_path / "application"), pki.open_package)
    assert read.particulars.holder.sex == "F"


def test_a_file_that_is_not_a_package_is_refused(pki: IssuingPki, tmp_path: Path) -> None:
    path = tmp_path / "package"
    for octets in (b"", b"PK\x03\x04 a zip in clear", b"\x30\x03\x02\x01\x00"):
        path.write_bytes(octets)
        with pytest.raises(MisuseError, match="not an application encrypted for this PKI"):
            load_application(path, pki.open_package)
    for content in (b"", b"not a zip", b"PK\x03\x04" + b"\0" * 40):
        with pytest.raises(MisuseError, match="the encrypted content is not a zip file"):
            load_application(sealed(path, content, pki), pki.open_package)
    with pytest.raises(MisuseError, match=r"holds no application\.json"):
        load_application(packed(path, {"x": b""}, pki), pki.open_package)
    many = {str(number): b"" for number in range(MAX_ENTRIES + 1)}
    with pytest.raises(MisuseError, match="more than 64 files"):
        load_application(packed(path, many, pki), pki.open_package)


def test_a_zip_bomb_is_refused(pki: IssuingPki, tmp_path: Path) -> None:
    record = json.dumps(CONTRACT).encode()
    bomb = {"application.json": record, "portrait.jpg": bytes(MAX_IMAGE + 1)}
    read = load_application(packed(tmp_path / "package", bomb, pki), pki.open_package)
    with pytest.raises(MisuseError, match=r"biometrics.portrait: portrait\.jpg is larger than"):
        read.image("biometrics.portrait", "portrait.jpg")


@settings(max_examples=30)
@given(st.binary(max_size=300))
def test_any_zip_is_read_or_refused(octets: bytes) -> None:
    path = Path("/dev/null")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("application.json", b"{}")
    content = bytearray(archive.getvalue())
    content[len(octets) % len(content) :] = octets
    with pytest.raises(MisuseError):
        _load(path, bytes(content))


def _load(path: Path, content: bytes) -> None:
    from personalise.intake import package

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(package, "read_bounded", lambda *_: b"")
        patch.setattr(Path, "is_file", lambda _: True)
        load_application(path, lambda _: Secret(content))
