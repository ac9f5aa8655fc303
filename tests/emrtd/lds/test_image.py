import io
import os
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.lds.files import FILES, FileID
from emrtd.lds.image import MAX_FILE, LdsImage, require_separate
from emrtd.lds.recognition import EVIDENCE_BEGINS, HEAD, Companion, recognise
from support.errors import MalformedError, MisuseError
from tests.certificates import Authority, ec_key
from tests.helpers import shared

SAMPLES = {
    FileID.ATR_INFO: "47039102017F66080202FFFF0202FFFF",
    FileID.DIR: "61094F07A0000002471001",
    FileID.CARD_ACCESS: "31143012060A04007F0007020204020202010202010D",
    FileID.CARD_SECURITY: "3082000F06092A864886F70D010702A0020500",
    FileID.COM: "60165F0104303130375F36063034303030305C046175766C",
    FileID.SOD: "770B06092A864886F70D010702",
    FileID.CVCA: "420E4445435643413030303031303030" + "00" * 20,
    FileID.DG1: "61055F1F02413C",
} | {
    FileID(f"DG{number}"): tlv.encode(FILES[FileID(f"DG{number}")].tag or 0, b"\x02\x01\x00").hex()
    for number in range(2, 17)
}
ENVELOPE = tlv.encode(0x30, bytes.fromhex("060B2A864886F70D0109100117"), b"\xa0\x80")


def image() -> LdsImage:
    return LdsImage({id_: bytes.fromhex(SAMPLES[id_]) for id_ in FILES}, ENVELOPE)


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in entries.items():
            archive.writestr(name, octets)
    return path


def test_every_file_is_recognised_by_its_first_octets() -> None:
    assert set(SAMPLES) == set(FileID)
    for file_id, sample in SAMPLES.items():
        assert recognise(bytes.fromhex(sample)[:HEAD]) is file_id
    assert recognise(ENVELOPE) is Companion.CHIP_KEYS


def test_certificates_lists_and_keys_are_not_recognised_as_card_security() -> None:
    csca = Authority()
    private = ec_key("any", "brainpoolP256r1").to_pkcs8().reveal()
    for octets in (csca.certificate().der, csca.crl(), csca.master_list(), private):
        assert recognise(octets[:HEAD]) is None


@pytest.mark.parametrize("content_type", ["2.23.136.1.1.1", "1.2.840.113549.1.7.1", "1.3.27.1.1.1"])
def test_a_security_object_without_its_tag_is_recognised(content_type: str) -> None:
    content = der.sequence(der.oid(content_type), b"\xa0\x00")
    signed = der.sequence(der.integer(3), der.set_of(), content)
    octets = der.sequence(der.oid("1.2.840.113549.1.7.2"), der.tagged(0, signed))
    assert recognise(octets) is FileID.SOD


def test_an_image_is_saved_whole_and_loads_back(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "image"
    image().save(folder)
    assert LdsImage.load(folder) == image()
    assert (folder / "EF_DG1.bin").is_file()
    assert (folder / "EF_ATR_INFO.bin").is_file()
    assert [path.name for path in folder.parent.iterdir()] == ["image"]
    assert folder.stat().st_mode & 0o077 == 0


def test_the_bsi_sample_loads_by_its_tags(tmp_path: Path) -> None:
    folder = shared("data/lds/bsi2008")
    loaded = LdsImage.load(folder)
    ids = [FileID.COM, FileID.SOD] + [FileID(f"DG{n}") for n in (1, 2, 3, 4, 14, 15)]
    assert list(loaded.files) == ids
    assert loaded.files[FileID.DG2] == (folder / "Datagroup2.bin").read_bytes()
    assert (loaded.unrecognised, loaded.tolerated) == ((), ())
    entries = {f"any/{n}": path.read_bytes() for n, path in enumerate(folder.iterdir())}
    assert LdsImage.load(zipped(tmp_path / "bsi.zip", entries)) == loaded


def test_one_file_alone_is_an_image(tmp_path: Path) -> None:
    path = tmp_path / "sod-from-a-log"
    path.write_bytes(bytes.fromhex(SAMPLES[FileID.SOD]))
    assert list(LdsImage.load(path).files) == [FileID.SOD]


def test_a_file_that_is_not_an_elementary_file_is_ignored(tmp_path: Path) -> None:
    image().save(tmp_path / "image")
    (tmp_path / "image" / "README").write_text("BSI sample, see also the photographs\n")
    (tmp_path / "image" / "big").write_bytes(b"\x00" * (MAX_FILE + 1))
    (tmp_path / "image" / "face.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    certificate = tlv.encode(0x30, tlv.encode(0x30, b"\x02\x01\x01"))
    (tmp_path / "image" / "ds.cer").write_bytes(certificate)
    loaded = LdsImage.load(tmp_path / "image")
    assert loaded.files == image().files
    assert loaded.unrecognised == ("README", "big", "ds.cer", "face.jpg")


def test_padding_of_a_capture_is_removed_and_named(tmp_path: Path) -> None:
    octets = bytes.fromhex(SAMPLES[FileID.COM])
    (tmp_path / "com").write_bytes(octets + b"\x00" * 40)
    loaded = LdsImage.load(tmp_path)
    assert loaded.files[FileID.COM] == octets
    assert loaded.tolerated == ("EF.COM: 40 octets of padding",)
    (tmp_path / "com").write_bytes(octets + b"\x00\x01")
    assert LdsImage.load(tmp_path).files[FileID.COM] == octets + b"\x00\x01"


@pytest.mark.parametrize("padding", [b"", bytes(40), b"\xff" * 40], ids=["none", "00", "FF"])
def test_a_sod_of_indefinite_length_is_recognised(tmp_path: Path, padding: bytes) -> None:
    octets = b"\x77\x80\x30\x80\x06\x01\x2a\0\0\0\0"
    (tmp_path / "some file").write_bytes(octets + padding)
    loaded = LdsImage.load(tmp_path)
    assert loaded.files == {FileID.SOD: octets}
    assert bool(loaded.tolerated) == bool(padding)


def test_two_files_with_the_same_tag_are_malformed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(bytes.fromhex(SAMPLES[FileID.DG1]))
    with pytest.raises(MalformedError, match="two: is DG1, and so is one"):
        LdsImage.load(tmp_path)


def test_a_path_without_elementary_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="no such folder"):
        LdsImage.load(tmp_path / "nowhere")
    with pytest.raises(MisuseError, match="holds no elementary file"):
        LdsImage.load(tmp_path)


def test_an_oversized_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "dg2").write_bytes(tlv.encode(0x75, b"\x00" * MAX_FILE))
    with pytest.raises(MalformedError, match="too large"):
        LdsImage.load(tmp_path)


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "bomb.zip", {"dg2": b"\x75\x84\x7f\xff\xff\xff" + bytes(64 << 20)})
    with pytest.raises(MalformedError, match="too large"):
        LdsImage.load(bomb)
    many = zipped(tmp_path / "many.zip", {str(n): b"" for n in range(9_000)})
    with pytest.raises(MalformedError, match="central directory is too large"):
        LdsImage.load(many)
    some = zipped(tmp_path / "some.zip", {str(n): b"" for n in range(300)})
    with pytest.raises(MalformedError, match="more than 256 entries"):
        LdsImage.load(some)


@given(st.lists(st.tuples(st.integers(4), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_damaged_zip_loads_or_is_malformed(damage: list[tuple[int, int]]) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for file_id in (FileID.DG1, FileID.COM, FileID.DIR):
            archive.writestr(str(file_id), bytes.fromhex(SAMPLES[file_id]))
    octets = bytearray(stream.getvalue())
    for position, octet in damage:
        octets[4 + position % (len(octets) - 4)] = octet
    with tempfile.NamedTemporaryFile() as file, suppress(MalformedError, MisuseError):
        file.write(octets)
        file.flush()
        LdsImage.load(Path(file.name))


@given(st.binary(max_size=300))
def test_recognising_any_octets_raises_nothing(head: bytes) -> None:
    assert recognise(head) is None or recognise(head) in {*FileID, *Companion}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty; name an LDS image"),
        (b"77820B02\n", "is text; decode its hexadecimal or base64 to a binary file"),
        (b"\x01\x02", "holds no elementary file"),
    ],
)
def test_the_error_for_another_file_states_the_reason(
    content: bytes, said: str, tmp_path: Path
) -> None:
    (tmp_path / "sod.log").write_bytes(content)
    with pytest.raises(MisuseError, match=said):
        LdsImage.load(tmp_path / "sod.log")


def test_saving_does_not_overwrite(tmp_path: Path) -> None:
    image().save(tmp_path / "image")
    with pytest.raises(MisuseError, match="already exists"):
        LdsImage({FileID.DG1: b"\x61\x00"}).save(tmp_path / "image")
    assert LdsImage.load(tmp_path / "image") == image()
    (tmp_path / "file").touch()
    with pytest.raises(MisuseError, match="already exists"):
        image().save(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    image().save(tmp_path / "empty")
    assert LdsImage.load(tmp_path / "empty") == image()


def test_a_folder_inside_an_image_is_not_separate(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    image().save(tmp_path / "images")
    for inside in ("0002", "../images/0002"):
        with pytest.raises(MisuseError, match="would lie inside an image"):
            require_separate(tmp_path / "images" / inside)
    require_separate(tmp_path / "0002")


def test_an_image_does_not_replace_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (".", f"../{tmp_path.name}"):
        with pytest.raises(MisuseError, match="is the current folder"):
            image().save(Path(name))
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_an_empty_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    image().save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert LdsImage.load(tmp_path / "empty") == image()


def test_a_save_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = OSError(28, "No space left on device")

    def fail(_: int) -> None:
        raise full

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space") as raised:
        image().save(tmp_path / "image")
    assert list(tmp_path.iterdir()) == []
    assert raised.value.filename == str(tmp_path / "image")


def test_the_repr_shows_no_personal_data() -> None:
    assert "5F1F" not in repr(image()).upper()
    assert "x5f" not in repr(image())


def test_evidence_is_saved_and_loaded_with_the_image(tmp_path: Path) -> None:
    captured = LdsImage(image().files, evidence=EVIDENCE_BEGINS + b', "version": 1}')
    captured.save(tmp_path / "image")
    assert LdsImage.load(tmp_path / "image") == captured
    entries = {path.name: path.read_bytes() for path in (tmp_path / "image").iterdir()}
    assert LdsImage.load(zipped(tmp_path / "image.zip", entries)) == captured


@pytest.mark.parametrize(("changed", "first"), [("EF_DG1.bin", 0x60), ("EF_DG16.bin", 0x77)])
def test_a_file_with_the_tag_of_another_does_not_replace_it(
    tmp_path: Path, changed: str, first: int
) -> None:
    image().save(tmp_path / "image")
    path = tmp_path / "image" / changed
    path.write_bytes(bytes((first,)) + path.read_bytes()[1:])
    loaded = LdsImage.load(tmp_path / "image")
    assert loaded.unrecognised == (changed,)
    expected = image().files
    del expected[FileID(changed.removeprefix("EF_").removesuffix(".bin"))]
    assert loaded.files == expected
