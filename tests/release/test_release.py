"""A whole release of the working tree, made by the command: its content, and its signature."""

import configparser
import email
import io
import json
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from readme_renderer import markdown

from release.__main__ import release
from release.building import settle
from release.sbom import make_sbom, read_lock
from release.signing import NAMESPACE
from support.command_line import run_command_line
from support.errors import MisuseError
from tests.helpers import REPOSITORY
from tests.requirement import program

ADDRESS = "https://example.org/chipseal"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSION = PROJECT["version"]
PACKAGES = ("chipseal", "conformance", "emrtd", "personalise", "support", "verify", "vsmartcard")


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    line = ("git", "-C", folder, *identity, *arguments)
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout


def tracked() -> list[str]:
    """Return the files of the working tree that git knows; skip the test outside a clone."""
    program("git", "git")
    if not (REPOSITORY / ".git").exists():
        pytest.skip("needs a clone")
    names = git(REPOSITORY, "ls-files").splitlines()
    return [name for name in names if (REPOSITORY / name).is_file()]


def ssh_key(folder: Path, name: str) -> Path:
    key = folder / name
    program("ssh-keygen", "openssh-client")
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key), check=True)
    return key


@dataclass
class Made:
    """A release, the clone that it was made from, and the signers' file."""

    clone: Path
    folder: Path
    signers: Path

    def file(self, pattern: str) -> Path:
        (found,) = self.folder.glob(pattern)
        return found

    def names_in_wheel(self) -> list[str]:
        with zipfile.ZipFile(self.file("*.whl")) as wheel:
            return wheel.namelist()

    def in_wheel(self, name: str) -> str:
        with zipfile.ZipFile(self.file("*.whl")) as wheel:
            return wheel.read(f"chipseal-{VERSION}.dist-info/{name}").decode()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A release of the working tree as it is, committed in a repository of its own."""
    place = tmp_path_factory.mktemp("release")
    clone = place / "clone"
    for name in tracked():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_bytes((REPOSITORY / name).read_bytes())
        (clone / name).chmod((REPOSITORY / name).stat().st_mode)
    git(place, "init", "-q", "clone")
    git(clone, "add", "--all", "--force")
    git(clone, "commit", "-q", "-m", "release")
    key, signers = ssh_key(place, "key"), place / "signers"
    public = key.with_suffix(".pub").read_text()
    signers.write_text(f'me@example.org namespaces="{NAMESPACE}" {public}')
    folder = place / "out"
    line = (sys.executable, "-m", "release", "--key", key, "--signers", signers)
    done = subprocess.run(
        (*line, "--address", f"{ADDRESS}.git", "-o", folder),
        cwd=clone, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "signed by me@example.org" in done.stdout
    return Made(clone, folder, signers)


@pytest.mark.slow
def test_its_checksums_are_signed_and_verify_as_documented(made: Made) -> None:
    assert {each.name for each in made.folder.iterdir()} == {
        f"chipseal-{VERSION}-py3-none-any.whl",
        f"chipseal-{VERSION}.tar.gz",
        f"chipseal-{VERSION}.cdx.json",
        "SHA256SUMS",
        "SHA256SUMS.sig",
    }
    documented = re.search(
        r"^    (ssh-keygen -Y verify .+)$",
        (REPOSITORY / "SECURITY.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert documented is not None
    command = documented[1].replace("release/signers", str(made.signers))
    command = command.replace("SIGNER", "me@example.org")

    def verify() -> int:
        line = ("sh", "-c", f"{command} && sha256sum --check --quiet SHA256SUMS")
        return subprocess.run(line, cwd=made.folder, check=False, capture_output=True).returncode

    assert verify() == 0
    sums = made.folder / "SHA256SUMS"
    before = sums.read_bytes()
    sums.write_bytes(before.replace(b"a", b"b", 1))
    assert verify() != 0
    sums.write_bytes(before)
    assert verify() == 0


@pytest.mark.slow
def test_the_wheel_has_every_file_of_the_packages_and_nothing_else(made: Made) -> None:
    names = made.names_in_wheel()
    packaged = {name for name in tracked() if name.split("/")[0] in PACKAGES}
    guide = re.compile(
        r"[A-Z]+\.md|LICENSE|docs/[^/]+\.(json|md|png)|docs/(commands|tutorials)/[^/]+\.md"
    )
    guides = set(filter(guide.fullmatch, tracked()))
    data = f"chipseal-{VERSION}.data/data/"
    shared = {name.removeprefix(data) for name in names if name.startswith(data)}
    assert {name for name in names if name.split("/")[0] in PACKAGES} == packaged
    assert {f"share/doc/chipseal/{name}" for name in guides} <= shared
    assert all(name.startswith(("share/doc/chipseal/", "share/man/man")) for name in shared)
    assert {name.split("/")[0] for name in names} == {
        *PACKAGES,
        f"chipseal-{VERSION}.data",
        f"chipseal-{VERSION}.dist-info",
    }
    assert made.file("*.whl").stat().st_size < 4_000_000


@pytest.mark.slow
def test_the_metadata_of_the_wheel_are_whole(made: Made) -> None:
    scripts = configparser.ConfigParser()
    scripts.optionxform = str  # type: ignore[assignment,method-assign]
    scripts.read_string(made.in_wheel("entry_points.txt"))
    assert dict(scripts["console_scripts"]) == PROJECT["scripts"]
    for group, points in PROJECT["entry-points"].items():
        assert dict(scripts[group]) == points
    assert "Apache License" in made.in_wheel("licenses/LICENSE")
    metadata = email.message_from_string(made.in_wheel("METADATA"))
    assert metadata["Version"] == VERSION
    assert metadata["License-Expression"] == "Apache-2.0"
    assert set(metadata.get_all("Provides-Extra", [])) == set(PROJECT["optional-dependencies"])
    addresses = dict(each.split(", ") for each in metadata.get_all("Project-URL", []))
    assert addresses["Source"] == ADDRESS
    pages = set(addresses.values()) - {ADDRESS}
    assert all(each.startswith(f"{ADDRESS}/blob/HEAD/") for each in pages)
    assert all(
        (REPOSITORY / each.removeprefix(f"{ADDRESS}/blob/HEAD/")).is_file() for each in pages
    )


@pytest.mark.slow
def test_an_installed_wheel_runs_without_the_repository(made: Made, tmp_path: Path) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    with zipfile.ZipFile(made.file("*.whl")) as wheel:
        wheel.extractall(site)  # noqa: S202 - our own wheel
    (site / f"chipseal-{VERSION}.data" / "data" / "share").rename(site / "share")

    def run(*line: str) -> str:
        code = f"import sys; sys.path.insert(0, {str(site)!r}); sys.argv[0] = 'chipseal'\n"
        code += "from chipseal.command_line import main; sys.exit(main())"
        done = subprocess.run(
            (sys.executable, "-c", code, *line),
            cwd=empty, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("docs", "--path").strip() == str(site / "share/doc/chipseal")
    assert "# Security" in run("docs", "SECURITY")
    assert run("--version").split()[-1] == VERSION
    assert "made/0001" in run("personalise", "specimen", "-o", "made")
    assert (empty / "made" / "0001" / "application.json").is_file()


@pytest.mark.slow
def test_the_source_distribution_is_the_commit_and_builds_the_same_wheel(
    made: Made, tmp_path: Path
) -> None:
    with tarfile.open(made.file("*.tar.gz")) as archive:
        members = archive.getmembers()
        archive.extractall(tmp_path, filter="data")
    top = f"chipseal-{VERSION}/"
    files = {each.name.removeprefix(top): each for each in members if each.isfile()}
    generated = {"PKG-INFO", "setup.cfg"} | {
        name for name in files if name.startswith("chipseal.egg-info/")
    }
    assert files.keys() - generated == set(tracked())
    assert files["run"].mode == 0o755
    assert {(each.uid, each.gid, each.uname, each.gname) for each in members} == {(0, 0, "", "")}
    epoch = git(made.clone, "show", "--no-patch", "--format=%ct").strip()
    assert {each.mtime for each in members} == {int(epoch)}
    code = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    subprocess.run(
        (sys.executable, "-c", code),
        cwd=tmp_path / top, env={"SOURCE_DATE_EPOCH": epoch}, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = (tmp_path / top / "dist").iterdir()
    assert wheel.read_bytes() == made.file("*.whl").read_bytes()


@pytest.mark.slow
def test_the_description_is_rendered_and_its_links_are_absolute(made: Made) -> None:
    metadata = email.message_from_string(made.in_wheel("METADATA"))
    assert metadata["Description-Content-Type"] == "text/markdown"
    description = metadata.get_payload()
    assert isinstance(description, str)
    problems = io.StringIO()
    page = markdown.render(description, stream=problems)
    assert page is not None, problems.getvalue()
    assert "<h1" in page
    assert "<table" in page
    for link in re.findall(r'(?:href|src)="([^"]*)"', page):
        assert link.startswith(("https://", "#")), link
    listed = re.findall(r"^\| (`[a-z]+`(?:, `[a-z]+`)*) \|", description, re.MULTILINE)
    extras = {name.strip("`") for line in listed for name in line.split(", ")}
    assert extras == set(PROJECT["optional-dependencies"]), "the description lists every extra"


@pytest.mark.slow
def test_the_bill_of_materials_lists_the_locked_packages(made: Made) -> None:
    text = made.file("*.cdx.json").read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    scopes = {each["name"]: each["scope"] for each in bill["components"]}
    core = read_lock((REPOSITORY / "requirements" / "core.lock").read_text(encoding="utf-8"))
    required = {name for name, scope in scopes.items() if scope == "required"}
    assert required == core.keys() - {"setuptools", "tzdata"}
    assert scopes["pyscard"] == scopes["distributed"] == "optional"
    assert "mypy" not in scopes
    for each in bill["components"]:
        assert each["licenses"], each["name"]
        (distribution,) = each["externalReferences"]
        assert distribution["hashes"], each["name"]
    ours = bill["metadata"]["component"]
    sums = dict(
        reversed(line.split())
        for line in (made.folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    )
    described = {
        each["url"]: each["hashes"][0]["content"]
        for each in ours["externalReferences"]
        if each["type"] == "distribution"
    }
    assert described == {name: each for name, each in sums.items() if not name.endswith(".json")}
    references = {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]}
    names = {
        reference.removeprefix("pkg:pypi/").split("@")[0] for reference in references["chipseal"]
    }
    assert {re.split(r"[^a-z0-9-]", each)[0] for each in PROJECT["dependencies"]} <= names


def test_a_package_that_is_not_locked_is_refused() -> None:
    lock = (REPOSITORY / "requirements" / "dev.lock").read_text(encoding="utf-8")
    without = re.sub(r"^construct==.+?(?=^\S)", "", lock, flags=re.MULTILINE | re.DOTALL)
    assert without != lock
    with pytest.raises(MisuseError, match="construct: is not in the lock file"):
        make_sbom(without, VERSION, [], 0, ADDRESS)


def test_a_lock_file_is_read_with_its_markers_and_hashes() -> None:
    lock = (
        "numpy==2.4.6 ; python_full_version < '3.12' \\\n    --hash=sha256:" + "a" * 64 + " \\\n"
        "    --hash=sha256:" + "b" * 64 + "\n"
        "numpy==2.5.5 ; python_full_version >= '3.12' \\\n    --hash=sha256:" + "c" * 64 + "\n"
        "ruamel_yaml==1 \\\n    --hash=sha256:" + "d" * 64 + "\n"
    )
    pins = read_lock(lock)
    assert [(each.version, each.marker, len(each.hashes)) for each in pins["numpy"]] == [
        ("2.4.6", "python_full_version < '3.12'", 2),
        ("2.5.5", "python_full_version >= '3.12'", 1),
    ]
    assert pins["ruamel-yaml"][0].hashes == ("d" * 64,)


def test_a_source_distribution_does_not_show_who_built_it_and_when() -> None:
    def archive(order: int, **fields: object) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for name in ["a/b", "a/run"][::order]:
                member = tarfile.TarInfo(name)
                member.size, member.mode = 3, 0o775 if name == "a/run" else 0o600
                for field, value in fields.items():
                    setattr(member, field, value)
                tar.addfile(member, io.BytesIO(b"abc"))
        return buffer.getvalue()

    one = settle(archive(1, mtime=1, uid=1000, uname="ada"), 77)
    assert one == settle(archive(-1, mtime=2, uid=0, gname="staff"), 77)
    assert one != settle(archive(1), 78)
    with tarfile.open(fileobj=io.BytesIO(one)) as tar:
        assert [(each.name, each.mode) for each in tar] == [("a/b", 0o644), ("a/run", 0o755)]
        file = tar.extractfile("a/b")
        assert file is not None
        assert file.read() == b"abc"


class Tree:
    """A small repository whose release is refused, in the place of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        git(folder, "init", "-q")
        self.write("pyproject.toml", '[project]\nname = "chipseal"\nversion = "1.2.0"\n')
        self.write("CHANGELOG.md", "# Changelog\n\n## 1.2.0, 2026-12-24\n")
        self.commit()

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def commit(self) -> None:
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "-q", "--allow-empty", "-m", "change")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    program("git", "git")
    tree = Tree(tmp_path / "tree")
    monkeypatch.setattr("release.__main__.REPOSITORY", tree.folder)
    return tree


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert run_command_line(release, [str(each) for each in arguments]) == 64
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("changelog", "message"),
    [
        ("## Unreleased\n\n## 1.2.0, 2026-12-24\n", "its first entry is not 1.2.0"),
        ("## 1.1.0, 2026-12-24\n", "its first entry is not 1.2.0"),
        ("", "its first entry is not 1.2.0"),
        ("## 1.2.0\n", "the entry 1.2.0 has no date"),
        ("## 1.2.0, soon\n", "the entry 1.2.0 has no date"),
    ],
)
def test_a_version_without_an_entry_in_the_changelog_is_refused(
    tree: Tree, capsys: pytest.CaptureFixture[str], changelog: str, message: str
) -> None:
    tree.write("CHANGELOG.md", f"# Changelog\n\n{changelog}")
    tree.commit()
    assert message in refusal(capsys, "--unsigned", "--address", ADDRESS)


@pytest.mark.parametrize("name", ["pyproject.toml", "new file"])
def test_a_tree_with_changes_is_refused(
    tree: Tree, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with (tree.folder / name).open("a") as file:
        file.write("\n")
    assert "is not committed" in refusal(capsys, "--unsigned", "--address", ADDRESS)


@pytest.mark.parametrize("kind", [(), ("--annotate", "--message", "1.2.0")])
def test_a_version_that_was_released_is_refused(
    tree: Tree, capsys: pytest.CaptureFixture[str], kind: tuple[str, ...]
) -> None:
    git(tree.folder, "tag", *kind, "v1.2.0")
    assert "is not the https address" in refusal(capsys, "--unsigned", "--address", "x")
    tree.commit()
    assert "v1.2.0: is a tag of another commit" in refusal(capsys, "--unsigned")


def test_a_release_without_a_key_or_an_address_is_refused(
    tree: Tree, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert "a release is signed" in refusal(capsys)
    assert "a release is signed" in refusal(capsys, "--unsigned", "--key", ssh_key(tmp_path, "key"))
    assert "name it with --address" in refusal(capsys, "--unsigned")
    git(tree.folder, "remote", "add", "origin", "git@example.org:chipseal")
    assert "name it with --address" in refusal(capsys, "--unsigned")
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "file").touch()
    told = refusal(capsys, "--unsigned", "--address", ADDRESS, "-o", taken)
    assert "already exists" in told


def test_a_key_that_the_signers_file_does_not_list_is_refused(
    tree: Tree,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def build(_source: object, _address: str, folder: Path) -> list[Path]:
        file = folder / "chipseal-1.2.0.tar.gz"
        file.write_bytes(b"file")
        return [file]

    monkeypatch.setattr("release.__main__.build", build)
    monkeypatch.setattr("release.__main__.make_sbom", lambda *_: "{}")
    (tree.folder / "requirements").mkdir()
    tree.write("requirements/dev.lock", "")
    tree.commit()
    key, output = ssh_key(tmp_path, "key"), tmp_path / "out"
    signers = tmp_path / "signers"
    signers.write_text(
        f"you@example.org {ssh_key(tmp_path, 'other').with_suffix('.pub').read_text()}"
    )
    told = refusal(capsys, "--key", key, "--signers", signers, "--address", ADDRESS, "-o", output)
    assert "ssh-keygen -Y find-principals" in told
    assert "add its public key to the signers' file" in told
    assert not output.exists()
    public = key.with_suffix(".pub").read_text()
    signers.write_text(f'me@example.org namespaces="git" {public}')
    assert "ssh-keygen -Y" in refusal(
        capsys, "--key", key, "--signers", signers, "--address", ADDRESS, "-o", output
    )
