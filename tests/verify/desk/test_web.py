"""The desk over HTTP: who is refused, what a page receives, and what the officer can do."""

import re
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.command_line import run_command_line
from tests.log_lines import parse
from tests.security.copies import clone_of
from tests.tls import write_tls
from tests.verify.desk.desks import AT, Page, Slot, running_desk, trust_store
from tests.verify.documents import CAN, issue, permit, usual
from verify.commands.main import verify
from verify.desk.web.access import Access, Address

MRZ = usual().how.mrz
LINES = "\n".join(MRZ.lines)


@pytest.fixture(scope="module")
def slot(tmp_path_factory: pytest.TempPathFactory) -> Slot:
    return Slot(tmp_path_factory.mktemp("slot") / "card")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, slot: Slot) -> Iterator[Page]:
    store = trust_store(tmp_path_factory.mktemp("store"))
    with running_desk("--trust", store, "--at", AT, "--reader", f"virtual:{slot.path}") as url:
        found = Page(url)
        assert httpx.head(url).status_code == 403  # a preview of the address, which uses up nothing
        found.open()
        yield found


@pytest.fixture(autouse=True)
def empty(page: Page, slot: Slot) -> Iterator[None]:
    """Begin and end every test with a locked and unlocked desk, and no card in its reader."""
    yield
    page.act("lock")
    slot.path.unlink(missing_ok=True)
    assert page.until("locked")["history"] == []
    without_card(page)
    page.act("unlock")


def without_card(page: Page) -> None:
    """Wait until the desk has seen that its reader is empty."""
    next(state for state in page.states() if state["reader"]["text"] == "Reader ready")


# --- strangers ------------------------------------------------------------------------------------


def test_the_address_is_valid_once(page: Page) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{40,}", page.url)
    other = httpx.get(page.url)
    assert other.status_code == 403
    assert "set-cookie" not in other.headers


@pytest.mark.parametrize("path", ["/", "/events", "/words", "/portrait/1", "/static/desk.js"])
def test_a_request_without_the_token_is_refused(page: Page, path: str) -> None:
    answer = httpx.get(page.origin + path)
    assert answer.status_code == 403
    assert "open the address" in answer.text


def test_a_wrong_token_is_refused_and_does_not_use_up_the_right_one() -> None:
    access = Access(Address("http", "127.0.0.1:1"))
    assert not access.exchange("x" * 43)
    assert access.token is not None
    assert access.exchange(access.token)
    assert access.token is None


def test_a_second_page_in_the_same_browser_is_refused(page: Page) -> None:
    """It has the cookie, but not the key, which belongs to one window."""
    assert page.client.get(page.origin + "/").status_code == 200  # the page, which says so
    for path in ("/events", "/words", "/portrait/1"):
        answer = page.client.get(page.origin + path)
        assert answer.status_code == 403
        assert "another window" in answer.text


def test_the_key_without_the_cookie_is_refused(page: Page) -> None:
    assert httpx.get(page.origin + "/words", headers=page.headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"x-forwarded-for": "192.0.2.1"},
        {"forwarded": "for=192.0.2.1"},
        {"via": "1.1 proxy"},
    ],
    ids=str,
)
def test_another_host_origin_or_proxy_is_refused(page: Page, headers: dict[str, str]) -> None:
    assert page.get("/words").status_code == 200
    assert page.get("/words", **headers).status_code == 403
    assert page.post("/officer", {"do": "lock"}, **headers).status_code == 403


def test_a_change_needs_an_origin(page: Page) -> None:
    sent = page.client.post(page.origin + "/officer", json={"do": "lock"}, headers=page.headers)
    assert sent.status_code == 403
    assert page.act("unlock").status_code == 200


def test_every_response_has_the_policy_and_is_not_stored(page: Page) -> None:
    answers = [
        page.get("/"),
        page.get("/words"),
        page.get("/static/desk.css"),
        page.get("/nowhere"),
        httpx.get(page.origin + "/"),
    ]
    for answer in answers:
        assert answer.headers["content-security-policy"].startswith("default-src 'none';")
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers


def test_the_page_names_no_other_origin(page: Page) -> None:
    names = ("desk.html", "desk.css", "desk.js", "dom.js", "entry.js", "live.js", "report.js")
    for name in names:
        path = "/" if name == "desk.html" else f"/static/{name}"
        found = re.findall(r"https?://[^\s\"')]+", page.get(path).text)
        assert found == [], name


@pytest.mark.parametrize("name", ["../access.py", "..%2faccess.py", "desk.html", "", "a/b.js"])
def test_no_other_file_is_served(page: Page, name: str) -> None:
    assert page.get(f"/static/{name}").status_code in {404, 405}


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"do": 1}', b'{"do": "password"}', b'{"do": "recall", "number": "1"}',
     b'{"do": "x"}', b"\xff", b"[" * 4000, b'{"do": "lock", "x": "' + b"x" * 5000 + b'"}'],
)  # fmt: skip
def test_a_malformed_request_is_refused(page: Page, body: bytes) -> None:
    sent = page.headers | {"origin": page.origin}
    assert page.client.post(page.origin + "/officer", content=body, headers=sent).status_code == 400


def test_a_password_that_is_none_is_not_repeated(page: Page) -> None:
    answer = page.act("password", text="IRUTOZU1234567")
    assert answer.status_code == 422
    assert "ZU1234567" not in answer.text


@pytest.mark.parametrize(
    ("what", "status", "english", "german"),
    [
        ({"do": "choose", "reader": "Nowhere"}, 404, "no card in this reader", "keine Karte"),
        ({"do": "recall", "number": 999}, 404, "forgotten", "vergessen"),
        ({"do": "again"}, 409, "cannot be done", "geht jetzt nicht"),
        ({"do": "show-anyway"}, 409, "cannot be done", "geht jetzt nicht"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    page: Page, what: dict[str, object], status: int, english: str, german: str
) -> None:
    refused = page.post("/officer", what)
    assert refused.status_code == status
    assert english in refused.json()["refused"]
    assert german in page.post("/officer?language=de", what).json()["refused"]


def test_what_changes_nothing_a_second_time_is_no_mistake(page: Page) -> None:
    assert page.act("unlock").status_code == 200


def test_what_is_typed_is_looked_at(page: Page) -> None:
    at = LINES.index("ZU1234567")
    wrong = LINES[: at + 2] + "I" + LINES[at + 3 :]
    looked = page.post("/typed", {"text": wrong}).json()
    assert looked["complete"]
    assert not looked["right"]
    number = looked["fields"][0]
    assert (number["label"], number["state"]) == ("Document number", "wrong")
    assert "Line 1, position 8: I may be 1." in number["hints"]
    assert page.post("/typed?language=de", {"text": LINES}).json()["text"].startswith("Alle")
    assert page.post("/typed", {"text": "A" * 500}).status_code == 400


# --- inspections ----------------------------------------------------------------------------------


def test_from_the_card_to_the_verdict(page: Page, slot: Slot) -> None:
    assert page.until("ready")["title"] == "Put a card on the reader"
    slot.insert(usual())
    assert page.until("asking")["asks"]
    page.act("password", text=LINES)
    shown = page.until("showing")
    report = shown["report"]
    assert (report["verdict"], report["word"]) == ("accept", "ACCEPT")
    assert report["problems"] == []
    assert report["permit"]["muted"] is False
    assert [tile["sign"] for tile in report["permit"]["tiles"]] == ["yes", "part", "yes", "no"]
    assert shown["history"][0]["shown"]
    portrait = page.get(f"/portrait/{report['number']}")
    assert portrait.headers["content-type"] == "image/png"
    assert portrait.content.startswith(b"\x89PNG")
    assert page.get(f"/finger/{report['number']}/1").status_code == 404
    saved = page.get(f"/report/{report['number']}")
    assert saved.headers["content-disposition"].startswith("attachment")
    assert "ACCEPT" in saved.text
    assert "Rests on" in saved.text
    assert page.get("/report/99").status_code == 404
    slot.take_out()
    without_card(page)
    slot.insert(usual())
    assert page.until("asking")["report"] is None


def test_the_password_may_come_before_the_card(page: Page, slot: Slot) -> None:
    page.act("password", text=CAN)
    slot.insert(usual())
    report = page.until("showing")["report"]
    assert report["verdict"] == "accept"
    assert any("optical" in check["id"] for check in report["skipped"])


def test_a_clone_is_rejected_for_its_weightiest_reason(page: Page, slot: Slot) -> None:
    slot.insert(clone_of(usual()))
    page.act("password", text=LINES)
    report = page.until("showing")["report"]
    assert report["verdict"] == "reject"
    assert "cloning" in report["problems"][0]["word"]
    assert all(check["next"] and check["clause"] for check in report["problems"])
    assert report["permit"]["muted"] is True
    assert report["permit"]["claim"]


def test_a_wrong_can_is_read_again_and_is_no_verdict(page: Page, slot: Slot) -> None:
    slot.insert(usual())
    page.until("asking")
    page.act("password", text="654321")
    state = next(each for each in page.states() if each["tone"] == "warn")
    assert state["title"] == "The chip did not open with this CAN: read it again"
    assert state["report"] is None
    assert state["history"] == []
    page.act("show-anyway")
    report = page.until("showing")["report"]
    assert report["verdict"] == "refer"
    assert [check["id"] for check in report["problems"]] == ["opening"]
    assert report["permit"] is None
    assert report["permit_absent"] == ""


def test_german(page: Page, slot: Slot) -> None:
    slot.insert(issue(permit=permit(stay=False)))
    page.act("password", text=LINES)
    state = page.until("showing", "de")
    assert state["report"]["word"] == "ANNEHMEN"
    assert state["report"]["permit"]["tiles"][0]["text"] == "NICHT erlaubt"
    rows = {row["label"]: row["text"] for row in state["report"]["document"]}
    assert rows["Gültig bis"] == "21. November 2031"


def test_locking_forgets_the_results(page: Page, slot: Slot) -> None:
    slot.insert(usual())
    page.act("password", text=LINES)
    number = page.until("showing")["report"]["number"]
    page.act("lock")
    assert page.until("locked")["history"] == []
    assert page.get(f"/portrait/{number}").status_code == 404


# --- other addresses ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        ["--address", "192.0.2.1"],
        ["--address", "0.0.0.0"],  # noqa: S104
        ["--address", "192.0.2.1", "--origin", "https://desk.example"],
        ["--origin", "http://desk.example"],
        ["--origin", "https://desk.example/path"],
        ["--origin", "https://user@desk.example"],
        ["--certificate", "only.pem"],
    ],
    ids=" ".join,
)
def test_another_address_needs_tls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    common = ["desk", "--trust", str(trust_store(tmp_path)), "--no-browser", "--reader"]
    capsys.readouterr()
    assert run_command_line(verify, [*common, "virtual:none", *options]) == 64
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1


def test_behind_a_reverse_proxy_with_tls(tmp_path: Path) -> None:
    store, port = trust_store(tmp_path), free_port()
    options = ("--trust", store, "--reader", f"virtual:{tmp_path / 'none'}")
    with running_desk(*options, "--origin", "https://desk.example", "--port", port) as url:
        assert url.startswith("https://desk.example/?token=")
        path = url.removeprefix("https://desk.example")
        proxied = {"host": "desk.example", "x-forwarded-for": "192.0.2.7", "via": "1.1 proxy"}
        assert httpx.get(f"http://127.0.0.1:{port}{path}").status_code == 403
        answer = httpx.get(f"http://127.0.0.1:{port}{path}", headers=proxied)
        assert answer.status_code == 303
        assert "; Secure" in answer.headers["set-cookie"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def test_tls_of_its_own(tmp_path: Path) -> None:
    write_tls(tmp_path, "desk", write_tls(tmp_path, "ca", None))
    options = ("--trust", trust_store(tmp_path), "--reader", f"virtual:{tmp_path / 'none'}")
    keys = ("--certificate", tmp_path / "desk.pem", "--key", tmp_path / "desk.key")
    with running_desk(*options, *keys) as url:
        assert url.startswith("https://127.0.0.1:")
        client = httpx.Client(verify=ssl.create_default_context(cafile=tmp_path / "ca.pem"))
        answer = client.get(url)
        assert answer.status_code == 303
        assert "; Secure" in answer.headers["set-cookie"]


def test_without_the_server_the_command_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert run_command_line(verify, ["desk", "--trust", str(trust_store(tmp_path))]) == 64
    assert "chipseal[desk]" in capsys.readouterr().err


def test_it_ends_at_once_and_quietly_while_a_page_is_open(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ("--trust", trust_store(tmp_path), "--reader", f"virtual:{tmp_path / 'none'}")
    capfd.readouterr()
    with running_desk(*options) as url:
        page = Page(url)
        page.open()
        states = page.states()
        assert next(states)["phase"] == "ready"
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert list(states) == []
    assert capfd.readouterr().err == ""


def test_its_log_has_the_verdict_and_nothing_of_the_document(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    slot = Slot(tmp_path / "card")
    store, reader = trust_store(tmp_path), f"virtual:{slot.path}"
    capfd.readouterr()
    with running_desk("--trust", store, "--reader", reader, "--at", AT, "--log", "json") as url:
        page = Page(url)
        page.open()
        for card, verdict in ((usual(), "accept"), (clone_of(usual()), "reject")):
            page.act("password", text=LINES)
            slot.insert(card)
            reports = (each["report"] for each in page.states())
            next(each for each in reports if each is not None and each["verdict"] == verdict)
            slot.take_out()
            without_card(page)
    log = capfd.readouterr().err
    listening, accepted, rejected = parse(log)
    assert listening["event"] == "listening"
    assert accepted["event"] == "judged"
    assert accepted["data"].keys() == {"reader", "verdict", "checks", "apdus", "seconds"}
    assert accepted["data"]["verdict"] == "accept"
    assert rejected["data"]["verdict"] == "reject"
    assert rejected["data"]["checks"]
    secrets = {CAN, *(part for line in MRZ.lines for part in line.split("<") if len(part) > 3)}
    secrets |= {url.rpartition("=")[2], page.key, "ANA", "1990"}
    assert [each for each in secrets if each.lower() in log.lower()] == []


def test_a_mistyped_store_or_reader_is_an_error_before_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(verify, ["desk", "--trust", str(tmp_path / "no")]) == 64
    assert capsys.readouterr().out == ""


def test_a_signal_ends_it_from_the_moment_at_which_it_prints_its_address(tmp_path: Path) -> None:
    store = trust_store(tmp_path)
    with running_desk("--trust", store, "--reader", f"virtual:{tmp_path / 'slot'}") as url:
        assert url  # and SIGTERM at once; the exit status must be 0
