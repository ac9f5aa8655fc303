"""From an application to a verdict with the commands only, for every kind of chip.

`personalise` prepares and writes, `verify card` opens, reads and judges; they share only the file
of the virtual chip.
"""

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.command_line import run_command_line
from tests.issuing import Agreement, Card, Issuer, Kind
from tests.personalise.applications import changed
from verify.commands.main import verify

TERMINAL = "--terminal"


@dataclass(frozen=True)
class Border:
    """An issuing State, and the trust store of a border post with its certificates."""

    issuer: Issuer
    trust: Path

    def inspect(self, card: Card, *options: str) -> dict[str, Any]:
        """Return the report of `verify card` with the printed MRZ, or with the CAN in `options`."""
        password = () if "--can" in options else ("--mrz", card.mrz.text)
        arguments = ["card", "--reader", f"virtual:{card.state}", "--trust", str(self.trust)]
        output = io.StringIO()
        with self.issuer.at_work(), contextlib.redirect_stdout(output):
            status = run_command_line(verify, [*arguments, *password, *options, "--json"])
        report: dict[str, Any] = json.loads(output.getvalue())
        assert status == {"accept": 0, "reject": 1, "refer": 2}[report["verdict"]]
        return report

    @property
    def terminal(self) -> tuple[str, str]:
        """The option with the inspection system's key."""
        return TERMINAL, str(self.issuer.pki / "terminal")


@pytest.fixture(scope="module")
def border(tmp_path_factory: pytest.TempPathFactory) -> Border:
    folder = tmp_path_factory.mktemp("utopia")
    issuer = Issuer.established(folder, "UTO")
    trust = folder / "trust"
    published = [str(issuer.pki / name) for name in ("csca.cer", "crl.crl")]
    with contextlib.redirect_stdout(io.StringIO()):
        assert run_command_line(verify, ["trust", "add", str(trust), *published]) == 0
    return Border(issuer, trust)


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    return {each["id"]: each["outcome"] for each in report["checks"]}


def failures(report: dict[str, Any]) -> list[dict[str, str]]:
    return [each for each in report["checks"] if each["outcome"] in {"failed", "undetermined"}]


PROOFS = ("chip.authentication", "active.authentication", "pace.cam", "terminal.authentication")

_TRIPLE = Agreement("3DES", 12, "GM")
RSA = {"algorithm": "RSA", "bits": 2048, "hash": "SHA-256"}
ECDSA = {"algorithm": "ECDSA", "curve": "brainpoolP512r1", "hash": "SHA-512"}

KINDS = {
    **{
        f"PACE {pace.label()}": Kind(
            pace=[pace],
            chip_authentication=[Agreement(parameters=pace.parameters)]
            if pace.mapping == "CAM"
            else [],
        )
        for pace in (
            Agreement("3DES", 0, "GM"), Agreement("AES-256", 2, "GM"),
            Agreement("AES-128", 8, "GM"), Agreement("AES-192", 10, "GM"),
            Agreement("AES-256", 18, "GM"), Agreement("3DES", 1, "IM"),
            Agreement("AES-192", 14, "IM"), Agreement("AES-256", 17, "IM"),
            Agreement("AES-128", 12, "CAM"), Agreement("AES-192", 16, "CAM"),
            Agreement("AES-256", 18, "CAM"),
        )
    },
    **{
        f"Chip Authentication {key.label()}": Kind(chip_authentication=[key])
        for key in (
            Agreement("3DES", 1), Agreement("3DES", 15), Agreement("AES-128", 0),
            Agreement("AES-192", 9), Agreement("AES-256", 17),
        )
    },
    "Chip Authentication after BAC": Kind(
        pace=[], bac=True, chip_authentication=[Agreement("3DES", 11)]
    ),
    "two keys": Kind(chip_authentication=[Agreement("3DES", 2), Agreement("AES-256", 16)]),
    "Active Authentication with RSA": Kind(active_authentication=RSA),
    "Active Authentication with RSA as old chips do": Kind(
        active_authentication={"algorithm": "RSA", "bits": 1024, "hash": "SHA-1"}
    ),
    "Active Authentication with ECDSA after BAC": Kind(
        pace=[], bac=True, active_authentication=ECDSA
    ),
    "all of them": Kind(
        pace=[_TRIPLE, Agreement("AES-256", 16, "CAM")],
        chip_authentication=[Agreement("AES-256", 16)],
        active_authentication=ECDSA,
        terminal_authentication=True,
    ),
    "Terminal Authentication after BAC": Kind(
        pace=[],
        bac=True,
        chip_authentication=[Agreement("3DES", 13)],
        terminal_authentication=True,
    ),
    "Terminal Authentication after PACE with numbers": Kind(
        pace=[Agreement("AES-128", 2, "GM")],
        chip_authentication=[Agreement("AES-256", 1)],
        terminal_authentication=True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_of_chip_is_accepted(border: Border, tmp_path: Path, kind: Kind) -> None:
    card = border.issuer.issue(kind, tmp_path)
    report = border.inspect(card, *border.terminal)
    assert report["verdict"] == "accept", failures(report)
    assert set(report["data_groups"]) >= {"DG1", "DG2", "DG3", "DG13"}
    assert {each["hash"] for each in report["data_groups"].values()} == {"passed"}
    found = outcomes(report)
    maps = any(each.mapping == "CAM" for each in kind.pace)
    there = (
        bool(kind.chip_authentication),
        bool(kind.active_authentication),
        maps,
        kind.terminal_authentication,
    )
    expected = ["passed" if each else "not-present" for each in there]
    assert [found[each] for each in PROOFS] == expected, report["checks"]
    assert report["access"].startswith("pace-" if kind.pace else "bac")


@pytest.mark.parametrize("profile", ["permit", "permit-bac", "passport"])
def test_fingerprints_are_read_with_the_right_and_not_without(
    border: Border, tmp_path: Path, profile: str
) -> None:
    record = changed("document.code", "P") if profile == "passport" else changed("holder.sex", "M")
    if profile == "passport":
        del record["permit"]
    card = border.issuer.issue(profile, tmp_path, record)
    without, granted = border.inspect(card), border.inspect(card, *border.terminal)
    assert without["verdict"] == granted["verdict"] == "accept", failures(granted)
    assert outcomes(without)["dg.hash.DG3"] == "not-performed"
    assert outcomes(granted)["dg.hash.DG3"] == "passed"
    assert outcomes(granted)["terminal.authentication"] == "passed"


def test_the_can_opens_a_permit(border: Border, tmp_path: Path) -> None:
    card = border.issuer.issue("permit", tmp_path)
    report = border.inspect(card, "--can", card.can)
    assert report["verdict"] == "accept", failures(report)
    assert report["access"].endswith("/can")
