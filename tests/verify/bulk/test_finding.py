"""Which images a command names: folders, zips and lists of paths."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from emrtd.lds.files import FileID
from support.errors import MisuseError
from tests.verify.bulk.archives import members, save, zipped
from tests.verify.documents import usual
from verify.bulk.finding import Found, find_images, read_list


def names(*paths: Path, ignored: tuple[Path, ...] = ()) -> set[str]:
    found = [each.name for each in find_images(paths, ignored=ignored)]
    assert len(found) == len(set(found))
    return {os.path.relpath(each, paths[0]) for each in found}


def only(path: Path) -> Found:
    (found,) = find_images([path])
    return found


def sod() -> bytes:
    return usual().files[FileID.SOD]


def test_a_folder_of_folders_is_an_image_for_each(tmp_path: Path) -> None:
    save(tmp_path / "a" / "1", usual())
    save(tmp_path / "b", usual())
    (tmp_path / "README.txt").write_text("what this is")
    (tmp_path / ".hidden").write_bytes(sod())
    assert names(tmp_path) == {"a/1", "b"}


def test_a_folder_of_files_is_one_image(tmp_path: Path) -> None:
    save(tmp_path / "one", usual())
    assert only(tmp_path / "one") == Found(str(tmp_path / "one"), str(tmp_path / "one"))


def test_files_beside_folders_are_an_image_of_their_own(tmp_path: Path) -> None:
    save(tmp_path / "outer", usual())
    save(tmp_path / "outer" / "inner", usual())
    assert names(tmp_path) == {"outer", "outer/inner"}


def test_a_folder_of_lone_sods_is_an_image_for_each(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.log").write_bytes(sod())
    (tmp_path / "damaged.log").write_bytes(b"\x01\x00\xff")
    assert names(tmp_path) == {"0.log", "1.log", "2.log", "damaged.log"}


def test_a_lone_file_beside_folders_is_found_unless_it_is_text(tmp_path: Path) -> None:
    save(tmp_path / "a", usual())
    (tmp_path / "sod.bin").write_bytes(sod())
    (tmp_path / "junk.bin").write_bytes(b"\x01\x00\xff")
    (tmp_path / "index.csv").write_text("a,b\n")
    assert names(tmp_path) == {"a", "sod.bin", "junk.bin"}


@pytest.mark.parametrize("octets", [b"", b"junk", b"PK\x03\x04 and no more"])
def test_a_damaged_zip_is_found(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "1.zip").write_bytes(octets)
    assert names(tmp_path) == {"1.zip"}


def test_a_zip_is_one_image_also_with_folders_in_it(tmp_path: Path) -> None:
    (tmp_path / "1.zip").write_bytes(zipped(members(usual(), "captured/")))
    assert names(tmp_path) == {"1.zip"}


def test_a_zip_of_many_images_is_a_folder_each(tmp_path: Path) -> None:
    content = [*members(usual(), "day/1/"), *members(usual(), "day/2/"), ("__MACOSX/x", b"x")]
    (tmp_path / "many.zip").write_bytes(zipped(content))
    assert names(tmp_path) == {"many.zip/day/1", "many.zip/day/2"}


def test_a_zip_with_too_many_entries_is_a_row(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("padding", bytes(17 << 20))
        for number in range(60_000):
            archive.writestr(f"{number:060}/EF_SOD.bin", b"")
    (tmp_path / "huge.zip").write_bytes(stream.getvalue())
    found = only(tmp_path / "huge.zip")
    assert "central directory is too large" in found.objection


def test_a_list_names_paths_one_on_each_line(tmp_path: Path) -> None:
    save(tmp_path / "a", usual())
    save(tmp_path / "names with spaces and ü" / "b", usual())
    listed = tmp_path / "list"
    listed.write_text(f"{tmp_path / 'a'}\r\n\n{tmp_path / 'names with spaces and ü'}\n/absent")
    found = [each.path for each in find_images([listed])]
    assert found == [
        str(tmp_path / "a"), str(tmp_path / "names with spaces and ü" / "b"), "/absent"
    ]  # fmt: skip


def test_a_list_may_end_each_path_with_a_zero_octet(tmp_path: Path) -> None:
    assert list(read_list(io.BytesIO(b"a\nb\0c\0"))) == ["a\nb", "c"]


def test_a_text_that_is_no_list_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("what this is")
    with pytest.raises(MisuseError, match="neither an image nor a list"):
        list(find_images([tmp_path / "README"]))


def test_an_absent_path_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="no such folder or file"):
        list(find_images([tmp_path / "absent"]))


def test_a_folder_that_cannot_be_read_is_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a", usual())
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def refusing(path: str) -> "os._ScandirIterator[str]":
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    objections = {Path(each.name).name: each.objection for each in find_images([tmp_path])}
    assert objections == {"a": "", "closed": "Permission denied"}


def test_links_are_followed_and_never_in_a_circle(tmp_path: Path) -> None:
    save(tmp_path / "archive" / "a", usual())
    save(tmp_path / "elsewhere" / "b", usual())
    (tmp_path / "archive" / "itself").symlink_to(tmp_path / "archive")
    (tmp_path / "archive" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "archive")
    assert names(tmp_path / "archive") == {"a", "linked/b"}


def test_own_output_is_not_an_image(tmp_path: Path) -> None:
    save(tmp_path / "a", usual())
    (tmp_path / "rows").write_bytes(b"\x01\x00")
    assert names(tmp_path, ignored=(tmp_path / "rows",)) == {"a"}


def test_a_name_that_is_not_utf_8_is_written_in_ascii(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    save(folder, usual())
    found = only(tmp_path)
    assert found.name == f"{tmp_path}/\\xff"
    assert Path(found.path).is_dir()
