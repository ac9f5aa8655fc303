"""A trust store published to posts, and taken by them."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from support.command_line import run_command_line
from tests.certificates import NOW
from tests.helpers import damaged
from tests.verify.judging.test_stop_list import stops
from tests.verify.trust.stores import CSCA, ELSEWHERE, add
from verify.commands.main import verify
from verify.trust import fetching
from verify.trust.store import TrustStore


@dataclass(frozen=True)
class Office:
    """A folder with the store of the publisher and that of a post."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def shared(self) -> Path:
        return self.folder / "shared"

    @property
    def post(self) -> Path:
        return self.folder / "post.sqlite"

    def run(self, *arguments: object) -> tuple[int, str, str]:
        self.capsys.readouterr()
        status = run_command_line(verify, ["trust", *map(str, arguments)])
        captured = self.capsys.readouterr()
        return status, captured.out, captured.err

    def publish(self, name: str = "trust.p7m", *options: object, key: str = "key.p8") -> int:
        status, output, error = self.run(
            "publish", self.folder / "office.sqlite", "--key", self.folder / key,
            "-o", self.shared / name, "--json", *options,
        )  # fmt: skip
        assert status == 0, error
        counter: int = json.loads(output)["counter"]
        return counter

    def pull(self, *options: object, key: str = "key") -> tuple[int, str, str]:
        publisher = ("--publisher", self.folder / f"{key}.cer")
        return self.run("pull", self.post, self.shared, *(options or publisher))


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Office:
    (tmp_path / "shared").mkdir()
    with TrustStore.open(tmp_path / "office.sqlite", create=True) as store:
        add(store, CSCA.certificate().der, CSCA.issue().der, CSCA.crl())
    return Office(tmp_path, capsys)


def entries(path: Path) -> list[tuple[object, ...]]:
    with TrustStore.open(path) as store:
        return [
            (each.fingerprint, each.kind, each.trusted, each.sources) for each in store.entries()
        ]


def test_a_post_has_what_was_published(office: Office) -> None:
    assert office.publish() == 1
    status, output, error = office.pull()
    assert (status, error) == (0, "")
    assert "publication 1 of" in output
    assert "3 entries" in output
    assert entries(office.post) == entries(office.folder / "office.sqlite")
    with (
        TrustStore.open(office.post) as post,
        TrustStore.open(office.folder / "office.sqlite") as own,
    ):
        assert post.last_import() == own.last_import() == NOW
    assert "already here" in office.pull()[1]


def test_a_newer_publication_replaces_the_older_and_is_seen_at_once(office: Office) -> None:
    office.publish()
    office.pull()
    with TrustStore.open(office.post) as reading:
        assert not reading.anchors_of_country("XX")
        with TrustStore.open(office.folder / "office.sqlite") as store:
            add(store, ELSEWHERE.certificate().der)
        assert office.publish("newer.p7m") == 2
        assert office.pull()[0] == 0
        reading._fresh_until = 0
        assert reading.anchors_of_country("XX")


def test_a_counter_that_goes_back_is_refused(office: Office) -> None:
    office.publish("1.p7m")
    office.publish("2.p7m")
    office.pull()
    before = entries(office.post)
    (office.shared / "2.p7m").unlink()
    status, _, error = office.pull()
    assert status == 64
    assert "not newer than number 2" in error
    assert entries(office.post) == before


def test_another_publication_of_the_same_number_is_refused(office: Office) -> None:
    office.publish()
    office.pull()
    with TrustStore.open(office.folder / "office.sqlite") as store:
        counter, publisher, made, digest = store.publication() or (0, b"", "", b"")
        with store.transaction() as changes:
            changes.set_publication(counter - 1, publisher, made, digest)
    assert office.publish() == 1
    assert office.pull()[0] == 64


def test_a_publication_of_another_key_or_a_damaged_one_is_refused(office: Office) -> None:
    office.publish()
    office.publish("other.p7m", key="other.p8")
    (office.shared / "other.p7m").rename(office.shared / "trust.p7m")
    status, _, error = office.pull()
    assert status == 64
    assert "not by the publisher" in error
    assert not office.post.exists()
    assert office.pull(key="other")[0] == 0
    octets = (office.shared / "trust.p7m").read_bytes()
    for changed in (
        damaged(octets),
        octets[:-9],
        octets.replace(octets[200:208], bytes(8), 1),
        b"",
    ):
        (office.shared / "trust.p7m").write_bytes(changed)
        assert office.pull(key="other")[0] == 64


def test_the_first_pull_names_the_publisher_and_later_ones_need_not(office: Office) -> None:
    office.publish()
    status, _, error = office.run("pull", office.post, office.shared)
    assert status == 64
    assert "--publisher" in error
    assert office.pull()[0] == 0
    office.publish()
    assert office.run("pull", office.post, office.shared)[0] == 0


def test_a_store_that_was_filled_by_hand_follows_nobody(office: Office) -> None:
    office.publish()
    with TrustStore.open(office.post, create=True) as store:
        add(store, ELSEWHERE.certificate().der)
    status, _, error = office.run("pull", office.post, office.shared)
    assert status == 64
    assert "follows no publisher" in error
    assert office.pull()[0] == 0
    assert len(entries(office.post)) == 3


def test_a_policy_and_a_stop_list_travel_with_it(office: Office) -> None:
    policy = Path("verify/judging/policies/strict.toml").read_text()
    (office.folder / "p.toml").write_text(policy)
    stop_list = stops("ZU1234567")
    (office.folder / "stop").write_bytes(stop_list)
    office.publish(
        "t.p7m", "--policy", office.folder / "p.toml", "--stop-list", office.folder / "stop"
    )
    assert office.pull()[0] == 0
    assert (office.folder / "post.policy.toml").read_text() == policy
    assert (office.folder / "post.stop-list").read_bytes() == stop_list
    office.publish()
    status, _, remark = office.pull()
    assert status == 0
    assert "post.policy.toml: stays as it was" in remark
    assert (office.folder / "post.stop-list").read_bytes() == stop_list
    for wrong in (b"name = 1", b"\xff\xfe"):
        (office.folder / "p.toml").write_bytes(wrong)
        status, _, error = office.run(
            "publish", office.folder / "office.sqlite", "--key", office.folder / "key.p8",
            "--policy", office.folder / "p.toml", "-o", office.shared / "x.p7m",
        )  # fmt: skip
        assert status == 64
        assert f"{office.folder / 'p.toml'}: " in error


def test_a_policy_that_ships_is_published_by_its_name(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of that name in the current folder is not looked at, as for other commands."""
    shipped = Path("verify/judging/policies/strict.toml").read_bytes()
    monkeypatch.chdir(office.folder)
    for place in (None, Path("strict")):
        if place is not None:
            place.write_text("not a policy")
        office.publish("t.p7m", "--policy", "strict")
        assert office.pull()[0] == 0
        assert (office.folder / "post.policy.toml").read_bytes() == shipped


def test_the_key_is_for_its_owner_and_encrypted(office: Office) -> None:
    office.publish()
    key = office.folder / "key.p8"
    assert key.stat().st_mode & 0o077 == 0
    (office.folder / "wrong").write_text("another pass phrase\n")
    status, _, error = office.run(
        "publish", office.folder / "office.sqlite", "--key", key,
        "--passphrase-file", office.folder / "wrong", "-o", office.shared / "x.p7m",
    )  # fmt: skip
    assert status == 64
    assert "pass phrase" in error
    key.with_suffix(".cer").unlink()
    status, _, error = office.run(
        "publish", office.folder / "office.sqlite", "--key", key, "-o", office.shared / "x.p7m"
    )
    assert "is missing" in error


@pytest.mark.parametrize(
    "address", ["http://trust.example/t.p7m", "https://user:word@trust.example/", "ftp://x/"]
)
def test_only_https_is_fetched(office: Office, address: str) -> None:
    office.publish()
    status, _, error = office.run(
        "pull", office.post, address, "--publisher", office.folder / "key.cer"
    )
    assert status == 64
    assert "https://" in error


@pytest.mark.parametrize(
    "address",
    [
        "https://[::1/t",
        "https://host:99999/t",
        "https://host:port/t",
        "https://a host/t",
        "https://localhost/\xe4",
        "https://a..b/t",
        "https://@host/t",
    ],
)
def test_an_address_that_is_none_is_a_mistake(office: Office, address: str) -> None:
    office.publish()
    status, _, error = office.run(
        "pull", office.post, address, "--publisher", office.folder / "key.cer"
    )
    assert status == 64
    assert "internal" not in error


def test_a_publisher_that_is_no_certificate_is_named(office: Office) -> None:
    office.publish()
    publication = office.shared / "trust.p7m"
    status, _, error = office.run("pull", office.post, office.shared, "--publisher", publication)
    assert status == 64
    assert f"{publication}: certificate" in error


def test_a_publication_is_fetched_by_https(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.publish()
    octets = (office.shared / "trust.p7m").read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/trust.p7m?v=1"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(octets if found else b"")

        def log_message(self, *_: object) -> None: ...

    from http.client import HTTPConnection

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(fetching, "HTTPSConnection", HTTPConnection)
    try:
        address = f"https://127.0.0.1:{server.server_port}/trust.p7m"
        certificate = office.folder / "key.cer"
        status, _, error = office.run("pull", office.post, address, "--publisher", certificate)
        assert "answers 404" in error
        status, *_ = office.run("pull", office.post, f"{address}?v=1", "--publisher", certificate)
        assert status == 0
        assert len(entries(office.post)) == 3
    finally:
        server.shutdown()
        server.server_close()
