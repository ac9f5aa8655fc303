"""A line whose cards have the transport keys of a batch."""

import json
from collections import Counter
from pathlib import Path

import pytest

from personalise.commands.main import personalise
from support.command_line import run_command_line
from tests.helpers import replace
from tests.pair.station_cards import KINDS
from tests.personalise.station.line.test_command import station
from tests.trials.line import SMALL, Line
from vsmartcard.chip.security_domain import BlankKind, TransportKeys
from vsmartcard.reader.blanks import make_blanks, read_master_key
from vsmartcard.reader.feeder import chips_in


def made_for(line: Line, name: str, key: bytes) -> Path:
    """Seal a master key for the line's station; return the key file."""
    clear, sealed = line.folder / f"{name}.txt", line.folder / f"{name}.p7m"
    clear.write_text(key.hex())
    arguments = ["card-keys", "seal", "--station", line.issuer.pki / "station.cer", "--batch", name]
    arguments += ["--key-version", "17", "-o", sealed, clear]
    with line.issuer.at_work():
        assert run_command_line(personalise, [str(each) for each in arguments]) == 0
    return sealed


@pytest.mark.parametrize("card", KINDS, ids=[each.label for each in KINDS])
def test_a_stack_of_another_batch_stops_the_reader_after_three_cards(
    tmp_path: Path, card: BlankKind
) -> None:
    line = Line.established(tmp_path, 2, spare=-2, kind=replace(SMALL, card=card))
    right, wrong = (made_for(line, name, bytes(range(at, at + 32))) for name, at in BATCHES)
    keys = read_master_key(right.with_suffix(".txt"))
    feeder = line.feeders[0]
    made = make_blanks(feeder, 5, transport=TransportKeys(card, keys, 17))
    line.serials |= {serial.hex().upper() for _, serial in made}
    arguments = ("--reader", f"feeder:{feeder}", "--until-empty", "--no-preparation", "--json")
    with station(line, *arguments, "--card-keys", str(wrong)) as process:
        events = [json.loads(each) for each in process.communicate(timeout=60)[0].splitlines()]
        assert process.returncode == 69
    assert Counter(each["event"] for each in events)["rejected-card"] == 3
    assert "it is of another batch" in events[0]["reason"]
    stopped = next(each for each in events if each["event"] == "stopped")
    assert stopped["reason"].startswith("3 cards in a row have other transport keys")
    assert len(chips_in(feeder)) == 2
    with station(line, *arguments, "--card-keys", str(right)) as process:
        events = [json.loads(each) for each in process.communicate(timeout=60)[0].splitlines()]
        assert process.returncode == 0
    assert Counter(each["event"] for each in events)["issued"] == 2


BATCHES = (("right", 0), ("wrong", 100))
