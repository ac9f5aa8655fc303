"""Zip and tar: read, or refused by name."""

import gzip
import io
import stat
import struct
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalise.intake import archive as module
from personalise.intake.archive import find_applications, open_archive
from personalise.intake.archive_rules import Limits
from personalise.intake.refusals import Refusal, RefusedPackageError
from tests.personalise.intake.packages import Files, spooled, tarred, zipped

FILES = {"application.json": b"{}", "portrait.jpg": bytes(100_000), "sub/ri.wsq": b"wsq"}
LONG = {f"{'folder/' * 30}application.json": b"{}"}
LIMITS = Limits()


def read_all(octets: bytes, limits: Limits = LIMITS) -> dict[str, bytes]:
    archive = open_archive(spooled(octets), limits)
    find_applications(archive.names, limits)
    return {name: archive.read(name, 1 << 20) for name in archive.names}


FORMS = {
    "deflated": zipped,
    "stored": lambda files: zipped(files, zipfile.ZIP_STORED),
    "pax": tarred,
    "ustar": lambda files: tarred(files, kind=tarfile.USTAR_FORMAT),
    "gnu": lambda files: tarred(files, kind=tarfile.GNU_FORMAT),
    "tar.gz": lambda files: tarred(files, "w:gz"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("files", [FILES, LONG], ids=["short", "long"])
def test_every_form_is_read(form: str, files: Files) -> None:
    assert read_all(FORMS[form](files)) == files


@pytest.mark.parametrize(
    "command",
    [
        "zip -qr - top",
        "zip -qr - top/0001 top/0002 | cat",
        "zip -q0r - .",
        "tar -cf - top",
        "tar -czf - .",
        "tar --format=ustar -cf - top",
        "tar --format=pax -cf - top",
        "tar --format=gnu -cf - top",
    ],
)
def test_what_the_usual_tools_write_is_read(command: str, tmp_path: Path) -> None:
    for name in ("0001", "0002"):
        folder = tmp_path / "top" / name
        folder.mkdir(parents=True)
        (folder / "application.json").write_bytes(b"{}")
        (folder / f"{'n' * 90}.jpg").write_bytes(b"image")
    octets = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, check=True, capture_output=True
    ).stdout
    found = read_all(octets)
    assert found["top/0001/application.json"] == b"{}"
    assert found[f"top/0002/{'n' * 90}.jpg"] == b"image"


def zip_entry(name: str, **fields: object) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        entry = zipfile.ZipInfo(name)
        for field, value in fields.items():
            setattr(entry, field, value)
        archive.writestr(entry, b"{}")
    return stream.getvalue()


def tar_entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, link
        archive.addfile(entry)
    return stream.getvalue()


def with_flag(octets: bytes, flag: int) -> bytes:
    """Set a general purpose bit in the directory of a zip with one file."""
    place = octets.index(b"PK\x01\x02") + 8
    (bits,) = struct.unpack_from("<H", octets, place)
    return octets[:place] + struct.pack("<H", bits | flag) + octets[place + 2 :]


BZIP2 = zipped({"application.json": b"{}"}, zipfile.ZIP_BZIP2)
UNSAFE = {
    "absolute name": (zip_entry("/application.json"), "an absolute name"),
    "drive": (zip_entry("C:application.json"), "an absolute name"),
    "parent": (zip_entry("a/../../application.json"), r"a name with `\.\.`"),
    "backslash": (zip_entry("a\\application.json"), "a backslash"),
    "NUL": (zip_entry("application.json").replace(b"application", b"applica\0ion"), "printed"),
    "NUL first": (
        zip_entry("application.json").replace(b"application", b"\0pplication"),
        "printed",
    ),
    "no name": (zip_entry(""), "an empty name"),
    "link": (zip_entry("a", external_attr=(stat.S_IFLNK | 0o777) << 16), "a symbolic link"),
    "device": (zip_entry("a", external_attr=(stat.S_IFCHR | 0o777) << 16), "is no file"),
    "encrypted": (with_flag(zip_entry("a"), 1), "a password"),
    "bzip2": (BZIP2, "compression method 12"),
    "tar absolute name": (tar_entry("/a"), "an absolute name"),
    "tar parent": (tar_entry("a/../b"), r"a name with `\.\.`"),
    "tar link": (tar_entry("a", tarfile.SYMTYPE, "/etc/passwd"), "a symbolic link"),
    "tar hard link": (tar_entry("a", tarfile.LNKTYPE, "b"), "a hard link"),
    "tar device": (tar_entry("a", tarfile.CHRTYPE), "a device"),
    "tar pipe": (tar_entry("a", tarfile.FIFOTYPE), "a pipe"),
}


@pytest.mark.parametrize(("octets", "reason"), UNSAFE.values(), ids=UNSAFE)
def test_an_unsafe_entry_is_refused_by_name(octets: bytes, reason: str) -> None:
    with pytest.raises(
        RefusedPackageError, match=f"entry 1 of the package has .*{reason}"
    ) as error:
        read_all(octets)
    assert error.value.refusal is Refusal.UNSAFE_CONTENT


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_may_occur_once() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("application.json", b"{}")
        archive.writestr("./application.json", b"[]")
    twice_in_tar = tarred({"application.json": b"{}", "./application.json": b"[]"})
    for octets in (stream.getvalue(), twice_in_tar):
        with pytest.raises(RefusedPackageError, match=r"entry 2 .* the name of an entry before it"):
            read_all(octets)


ZIP, TAR = zipped(FILES), tarred(FILES)
DAMAGED = {
    "zip cut short": (ZIP[:-1], "does not end as a zip"),
    "zip and more": (ZIP + b"x", "does not end as a zip"),
    "zip behind something": (b"PK\x03\x04" + ZIP, "octets before it|not a valid zip"),
    "zip file damaged": (ZIP.replace(b"wsq", b"wsp", 1), "damaged|not a valid zip"),
    "tar cut short": (TAR[:1024], "cut short"),
    "tar without an end": (TAR[: TAR.rindex(b"wsq") + 509], "cut short"),
    "tar and more": (TAR + b"x", "octets behind its end"),
    "tar header": (TAR[:1030] + b"x" + TAR[1031:], "damaged header"),
    "gzip cut short": (gzip.compress(TAR)[:-9], "cut short"),
    "gzip and more": (gzip.compress(TAR) + b"x", "octets behind its end"),
    "gzip damaged": (gzip.compress(TAR)[:-8] + bytes(8), "not valid gzip"),
    "nothing": (b"", "neither a zip file nor a tar"),
    "text": (b"application.json", "neither a zip file nor a tar"),
    "zeros": (bytes(1024), "neither a zip file nor a tar"),
}


@pytest.mark.parametrize(("octets", "reason"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_archive_is_refused(octets: bytes, reason: str) -> None:
    with pytest.raises(RefusedPackageError, match=reason):
        read_all(octets)


def test_bombs_are_refused_before_they_are_read() -> None:
    limits = Limits(applications=2, octets=100_000)
    bomb = {"application.json": b"{}", "zeros": bytes(500_000)}
    for octets in (zipped(bomb), tarred(bomb), tarred(bomb, "w:gz")):
        with pytest.raises(RefusedPackageError, match="400,000 octets") as error:
            read_all(octets, limits)
        assert error.value.refusal is Refusal.TOO_LARGE


def test_a_file_that_lies_about_its_size_is_bounded() -> None:
    octets = bytearray(zipped({"application.json": bytes(2 << 20)}))
    place = octets.index(b"PK\x01\x02") + 24
    octets[place : place + 4] = struct.pack("<I", 2)
    archive = open_archive(spooled(bytes(octets)), LIMITS)
    with pytest.raises(RefusedPackageError, match=r"damaged|more than 1,000 octets"):
        archive.read("application.json", 1000)


def test_files_that_overlap_are_refused() -> None:
    """Two entries of one file: what bombs of a few kilobytes are made of."""
    octets = zipped({"a": bytes(1000), "b": bytes(1000)})
    place = octets.rindex(b"PK\x01\x02") + 42
    overlapping = octets[:place] + bytes(4) + octets[place + 4 :]
    with pytest.raises(RefusedPackageError, match=r"overlap|damaged"):
        read_all(overlapping)


def test_a_directory_that_would_fill_the_memory_is_refused() -> None:
    many = zipped({f"{number:06}": b"" for number in range(3000)}, zipfile.ZIP_STORED)
    with pytest.raises(RefusedPackageError, match="directory that is too long"):
        read_all(many, Limits(applications=10))


def applications(count: int) -> dict[str, bytes]:
    return {f"{number:04}/application.json": b"{}" for number in range(count)}


def test_applications_are_found_and_counted() -> None:
    limits = Limits(applications=3)
    found = find_applications(applications(3), limits)
    assert [(each.position, each.folder) for each in found] == [
        (1, "0000/"), (2, "0001/"), (3, "0002/"),
    ]  # fmt: skip
    with pytest.raises(RefusedPackageError, match="holds 4 applications, more than 3"):
        find_applications(applications(4), limits)
    with pytest.raises(RefusedPackageError, match="holds 1,001 applications, more than 1,000"):
        find_applications(applications(1001), LIMITS)
    with pytest.raises(RefusedPackageError, match=r"no application\.json"):
        find_applications(["a/portrait.jpg"], limits)
    with pytest.raises(RefusedPackageError, match="in the folder of another"):
        find_applications(["application.json", "a/application.json"], limits)
    with pytest.raises(RefusedPackageError, match="more than 64 files"):
        find_applications(["application.json", *map(str, range(64))], limits)


def test_the_number_of_entries_is_bounded() -> None:
    limits = Limits(applications=1)
    many = {"application.json": b"{}", **{f"{number}/": b"" for number in range(64)}}
    for octets in (zipped(many), tarred(many)):
        with pytest.raises(RefusedPackageError, match="more than 64 entries"):
            read_all(octets, limits)
    assert module.FILES_PER_APPLICATION == 64


@settings(max_examples=200)
@given(st.data())
def test_any_archive_is_read_or_refused(data: st.DataObject) -> None:
    octets = bytearray(data.draw(st.sampled_from([ZIP, TAR, gzip.compress(TAR)])))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    del octets[data.draw(st.integers(0, len(octets))) :]
    try:
        read_all(bytes(octets))
    except RefusedPackageError:
        return
