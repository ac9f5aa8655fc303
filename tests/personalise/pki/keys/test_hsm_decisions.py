"""Decisions of the line's supervisors, whose PKI has its keys in an HSM (SoftHSM)."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.personalise.pki.keys.test_hsm import run, token

__all__ = ["token"]  # a fixture
pytestmark = pytest.mark.interop

PRELUDE = r"""
import contextlib, io, json, pathlib, sys
from emrtd.pki import private_key_file
private_key_file._COST = 2
from personalise.commands.main import personalise
from support.command_line import run_command_line

os.chdir(sys.stdin.readline().strip())
PIN, PKI = ["--pin-file", "PIN"], ["--pki", "pki"]
ALICE, BOB = (
    ["--officer", f"{name}={name}.p8", "--officer-passphrase-file", f"{name}={name}.pass"]
    for name in ("alice", "bob"))

def command(*words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run_command_line(personalise, words)
    return int(status), out.getvalue() + err.getvalue()

def done(*words):
    status, said = command(*words)
    assert status == 0, (words, said)
    return said

def states():
    return {each["application"]: each["state"] for each in json.loads(
        done("jobs", "list", *PKI, "--json"))}
"""

SETTING_UP = r"""
pathlib.Path("PIN").write_text("123456\n")
pathlib.Path("WRONG").write_text("999999\n")
done("pki", "init", "pki", "--pkcs11", os.environ["MODULE"], "--token", "pki", *PIN)
for name in ("alice", "bob"):
    pathlib.Path(name + ".pass").write_text("the pass phrase of " + name)
    done("officer", "enrol", name, *PKI, *PIN, "-o", name + ".p8",
         "--new-passphrase-file", name + ".pass")
done("officer", "require", "2", "--operation", "jobs.reject", *PKI, *PIN, *ALICE, *BOB)
done("people", "set", "--supervisor", "officer:alice", "--supervisor", "officer:bob",
     *PKI, *PIN, *ALICE, *BOB)
done("ledger", "init", *PKI)
done("specimen", "-n", "2", "-o", "applications")
done("intake", "applications", *PKI)
first, second = states()
done("pki", "act", "propose", "-o", "act.json", *PKI, *PIN, "--",
     "jobs", "reject", second, "--reason", "by an act")
for name, officer in (("alice", ALICE), ("bob", BOB)):
    done("pki", "act", "approve", "act.json", *officer)
"""

DECIDING = """
before = states()
first, second = before
reject = ["jobs", "reject", first, "--reason", "withdrawn", *PKI]
status, said = command({})
now = states()
print(json.dumps([status, said, [now[each] for each in now if now[each] != before[each]]]))
"""

CHECKING = """
assert "nothing wrong" in done("ledger", "verify", *PKI)
done("audit", "verify", *PKI)
shown = (line.split() for line in done("audit", "show", *PKI).splitlines())
print(json.dumps([words[3] for words in shown if words[2] == "jobs.reject"]))
"""


def test_a_decision_needs_the_hsm_the_officers_and_the_pin(
    token: dict[str, str],
    tmp_path: Path,
) -> None:
    def told(script: str) -> Any:
        said = run(PRELUDE + script, token, f"{tmp_path}\n")
        return json.loads(said) if said else None

    told(SETTING_UP)
    for line, reason in (
        ("*reject, *PIN", "is no supervisor of this line"),
        ("*reject, *PIN, *ALICE", "jobs.reject requires 2 officers, and 1 approved it"),
        ("*reject, *ALICE, *BOB", "the keys are in an HSM, and its PIN is required; name the"),
        ("'pki', 'act', 'run', 'act.json', *PKI", "the keys are in an HSM, and its PIN is requi"),
    ):
        status, said, changed = told(DECIDING.format(line))
        assert (status, changed) == (64, []), "the ledger is as before"
        assert reason in said
    for line in ("*reject, *PIN, *ALICE, *BOB", "'pki', 'act', 'run', 'act.json', *PKI, *PIN"):
        assert told(DECIDING.format(line))[::2] == [0, ["rejected"]]
    wrong = "'jobs', 'release', first, *PKI, '--pin-file', 'WRONG', *ALICE"
    status, said, _ = told(DECIDING.format(wrong))
    assert status == 64
    assert "the HSM refused the PIN; it is not tried again" in said
    assert told(CHECKING) == ["begun", "done", "begun", "done"]
