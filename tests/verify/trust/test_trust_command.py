"""`verify trust`."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.errors import MisuseError
from tests.certificates import Authority, extension
from tests.emrtd.pki.test_revocation import newer
from tests.helpers import REPOSITORY, shared
from tests.verify.trust.stores import CSCA, ELSEWHERE, by_kind
from verify.commands.trust import trust
from verify.trust.store import TrustStore


def run(*arguments: object) -> Result:
    return CliRunner().invoke(trust, [str(argument) for argument in arguments])


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    contents = {
        "csca.der": CSCA.certificate().der,
        "list.ml": CSCA.master_list(CSCA.certificate(), ELSEWHERE.certificate()),
        "ut.crl": CSCA.crl([7]),
    }
    paths = {name: tmp_path / name for name in contents}
    for name, content in contents.items():
        paths[name].write_bytes(content)
    return paths


def test_the_command_fills_and_lists_a_store(tmp_path: Path, files: dict[str, Path]) -> None:
    store = tmp_path / "trust.db"
    added = run("add", store, *files.values())
    assert added.exit_code == 0, added.output
    assert "list.ml: 2 entries, 1 of them new, 2 verified" in added.output
    entries = json.loads(run("list", store, "--json").output)
    assert [(e["kind"], e["country"]) for e in entries] == [
        ("crl", "UT"), ("csca", "UT"), ("csca", "XX")
    ]  # fmt: skip
    for entry in entries:
        assert {"kind", "country", "subject", "key", "usable", "verified", "source"} <= set(entry)
        assert entry["usable"] is True
        assert entry["verified"] is True
    assert entries[1]["source"] == "csca.der, list.ml"
    assert run("list", store, "--country", "xx").output.count("\n") == 1
    assert run("list", store, "--unverified").output == ""


def test_the_command_shows_removes_and_exports(tmp_path: Path, files: dict[str, Path]) -> None:
    store = tmp_path / "trust.db"
    run("add", store, *files.values())
    fingerprint = CSCA.certificate().fingerprint.hex()
    (entry, *_) = json.loads(run("list", store, "--json", "--kind", "csca").output)
    shown = json.loads(run("show", store, entry["fingerprint"][:12], "--json").output)
    assert shown == [entry]
    assert "list.ml" in run("show", store).output
    out = tmp_path / "all.pem"
    assert run("export", store, "-o", out).exit_code == 0
    assert out.read_text().count("-----BEGIN CERTIFICATE-----") == 2
    assert out.read_text().count("-----BEGIN X509 CRL-----") == 1
    again = tmp_path / "again.db"
    assert run("add", again, out).exit_code == 0
    assert len(json.loads(run("list", again, "--json").output)) == 3
    assert "1 entry removed" in run("remove", store, entry["fingerprint"]).output
    assert isinstance(run("show", store, fingerprint[:4]).exception, MisuseError)
    assert run("remove", store, "--source", "ut.crl").output == "1 entry removed\n"


def test_a_failed_first_import_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "ds.der"
    path.write_bytes(CSCA.issue().der)
    store = tmp_path / "trust.db"
    assert isinstance(run("add", store, path).exception, MisuseError)
    assert not store.exists()
    assert run("add", store, path, "--unverified").exit_code == 0


def test_files_are_added_to_a_store_that_another_process_made_meanwhile(
    tmp_path: Path, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "trust.db"
    link = os.link

    def late(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        assert run("add", target, files["csca.der"]).exit_code == 0
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    assert "2 entries, 1 of them new" in run("add", store, files["list.ml"]).output
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*files, "trust.db"])


def test_a_killed_import_leaves_the_store_unchanged(tmp_path: Path, files: dict[str, Path]) -> None:
    store = tmp_path / "trust.db"
    run("add", store, files["csca.der"])
    script = (
        "import os, signal, sys\n"
        "from verify.commands.trust import trust\n"
        "from verify.trust.store_changes import StoreChanges\n"
        "add = StoreChanges.add_provenance\n"
        "def die(self, rows):\n"
        "    add(self, list(rows)[:1])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "StoreChanges.add_provenance = die\n"
        "trust(sys.argv[1:])\n"
    )
    for place in (store, tmp_path / "new.db"):
        command = [sys.executable, "-c", script, "add", place, *files.values()]
        done = subprocess.run(command, cwd=REPOSITORY, check=False)
        assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "new.db").exists()
    with TrustStore.open(store) as opened:
        assert by_kind(opened) == {"csca": 1}
    assert "2 of them new" in run("add", tmp_path / "new.db", files["list.ml"]).output


def test_the_list_can_be_printed_as_a_markdown_table(tmp_path: Path) -> None:
    path = tmp_path / "list.ml"
    link = Authority(label="old").link(Authority(label="new"))
    path.write_bytes(CSCA.master_list(CSCA.certificate(), link))
    store = tmp_path / "trust.db"
    run("add", store, path)
    table = run("list", store, "--unverified", "--markdown").output
    assert table.splitlines()[2].startswith("| UT | CN=CSCA Utopia,C=UT | brainpoolP256r1 |")


def test_the_documented_table_is_what_the_command_prints(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "trust-lists.md").read_text(encoding="utf-8")
    run("add", tmp_path / "de.db", shared("data/trust/DE_ML_2026-05-28-08-28-45.ml"))
    assert run("list", tmp_path / "de.db", "--unverified", "--markdown").output in page


def test_the_command_warns_of_a_list_that_cannot_be_used_whole(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    store, strange = tmp_path / "trust.db", tmp_path / "newer.crl"
    more = (extension("1.2.3.4.5", b"\5\0", critical=True),)
    strange.write_bytes(newer(more=more).der)
    added = run("add", store, files["csca.der"], strange)
    assert "warning: the CRL of" in added.output
    assert "unknown critical extensions: 1.2.3.4.5" in added.output
    (summary,) = json.loads(run("add", store, strange, "--json").output)
    assert len(summary["warnings"]) == 1
    assert "(not usable)" in run("list", store, "--kind", "crl").output
