"""The structured log: one schema, no exception's message, and text without `--log json`."""

import logging
import subprocess
import sys

import pytest

from support.log import logging_json, notice, tell
from tests.log_lines import parse

LOG = logging.getLogger("support.for_tests")


def test_an_event_is_one_line_of_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_json("station", "json"):
        tell(LOG, logging.WARNING, "rejected-card", "no\nroom \x1b[31m", card="0A0B", seconds=1.5)
        notice(LOG, "listening", "signing on https://[::1]:1", address="[::1]:1")
    first, second = parse(capsys.readouterr().err)
    assert (first["level"], first["component"]) == ("warning", "station")
    assert first["what"] == "no room \ufffd[31m"
    assert first["data"] == {"card": "0A0B", "seconds": 1.5}
    assert (second["event"], second["level"]) == ("listening", "info")


def test_of_an_exception_only_the_type_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_json("desk", "json"):
        try:
            _ = {}["ZU1234567"]
        except KeyError:
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    text = capsys.readouterr().err
    (line,) = parse(text)
    assert line["event"] == "message"
    assert line["data"] == {"kind": "KeyError"}
    assert "ZU1234567" not in text


def test_other_packages_log_warnings_only(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_json("desk", "json"):
        logging.getLogger("httpx").info("HTTP Request: GET https://example.org/?number=1")
    assert capsys.readouterr().err == ""


def test_without_json_a_notice_is_a_line_of_text(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_json("station", "text"):
        notice(LOG, "listening", "signing on https://x", address="x")
        tell(LOG, logging.INFO, "answered")
    assert capsys.readouterr().err == "signing on https://x\n"


@pytest.mark.parametrize("option", [["--log", "json"], ["--log=json"]])
def test_an_error_that_ends_a_command_is_a_line_of_its_log(option: list[str]) -> None:
    command = ["-m", "chipseal", "personalise", "station", "--pki", "/nowhere", *option]
    code = "from chipseal.command_line import main; raise SystemExit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, *command[2:]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 64
    (line,) = parse(done.stderr)
    assert (line["event"], line["component"], line["level"]) == ("ended", "station", "error")
    assert line["data"]["kind"] == "usage"
    assert "/nowhere" in line["what"]
