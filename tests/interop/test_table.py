"""The table of docs/interop.md: what is recorded, and the machinery that records it.

`./run interop --table` reads all cards with all readers; here our own and JMRTD read a handful.
"""

import hashlib
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.interop.table import page
from tests.interop.table.cards import Maker, rows
from tests.interop.table.readers import READERS
from tests.interop.table.reading import Program, Reader, Said
from tests.interop.table.results import Cell, Outcome, Results
from tests.interop.table.running import Bench
from tests.requirement import program
from vsmartcard.reader.threaded import ThreadedReader

ROWS = {row.key: row for row in rows()}
SOME = (
    "permit (CAN)",
    "BAC (MRZ)",
    "PACE-ECDH-CAM, AES-128, brainpoolP256r1 (MRZ)",
    "lds.dg7 (MRZ)",
    "chip.padded-files (MRZ)",
)

# --- what is recorded ------------------------------------------------------------------------


def test_the_page_has_what_is_recorded() -> None:
    """If not, run `./run interop --table --page`."""
    assert page.section(Results.load()) in page.PAGE.read_text(encoding="utf-8")


def test_every_card_of_today_was_read_whole_by_our_own_reader() -> None:
    """If not, run `./run interop --table chipseal`."""
    cells = Results.load().columns["chipseal"].cells
    assert set(cells) == set(ROWS)
    assert {key for key, cell in cells.items() if cell.outcome is not Outcome.WHOLE} == set()
    assert {key for key, cell in cells.items() if cell.genuine is not True} == set()


def test_no_other_reader_was_given_other_cards() -> None:
    for column in Results.load().columns.values():
        assert set(column.cells) <= set(ROWS), column.named


# --- how it is judged ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    return Maker(tmp_path_factory.mktemp("cards"))


def test_a_file_with_other_octets_is_not_read(maker: Maker) -> None:
    presented = maker.present(ROWS["BAC (MRZ)"])
    digests = whole_of(presented.expected)
    assert Cell.of(presented, Said.decode(digests)).outcome is Outcome.WHOLE
    wrong = [line if "DG2" not in line else "file\tDG2\t" + "0" * 64 for line in digests]
    cell = Cell.of(presented, Said.decode(wrong))
    assert (cell.outcome, cell.lacks) == (Outcome.PART, ("DG2",))


def test_without_dg1_a_card_is_not_read(maker: Maker) -> None:
    presented = maker.present(ROWS["BAC (MRZ)"])
    rest = [line for line in whole_of(presented.expected) if "DG1\t" not in line]
    assert Cell.of(presented, Said.decode(rest)) == Cell(Outcome.NOT)


def test_what_is_behind_terminal_authentication_is_not_expected(maker: Maker) -> None:
    presented = maker.present(ROWS["passport (MRZ)"])
    assert "DG3" in presented.card.files
    assert "DG3" not in presented.expected


def whole_of(expected: dict[str, bytes]) -> list[str]:
    return [f"file\t{name}\t{hashlib.sha256(each).hexdigest()}" for name, each in expected.items()]


# --- programs --------------------------------------------------------------------------------

_PROGRAM = """
import sys
print("a reader 1.0", end="\\n\\n", flush=True)
for number, line in enumerate(sys.stdin):
    if {ends}:
        sys.exit(1)
    print("file", "DG1", line.split("\\t")[1], sep="\\t", end="\\n\\n", flush=True)
"""


def test_a_program_that_ends_is_started_again(maker: Maker, tmp_path: Path) -> None:
    """It has not read the card at which it ended."""
    row = ROWS["BAC (MRZ)"]
    presented = maker.present(row)
    path = tmp_path / "program.py"
    path.write_text(_PROGRAM.format(ends="number == 1"), encoding="ascii")
    reader = Program([sys.executable, path], {})
    try:
        assert reader.named == "a reader 1.0"
        said = [reader.read(row, presented).files for _ in range(3)]
    finally:
        reader.close()
    assert said == [{"DG1": presented.secrets[0]}, {}, {"DG1": presented.secrets[0]}]


# --- readers ---------------------------------------------------------------------------------


def read_some(
    place: ThreadedReader, maker: Maker, start: Callable[[str], Reader]
) -> dict[str, Cell]:
    reader = start(place.name)
    try:
        bench = Bench(place, maker)
        return {key: bench.read(reader, ROWS[key])[0] for key in SOME}
    finally:
        reader.close()


def accesses(cells: dict[str, Cell]) -> list[str]:
    return [cell.access for cell in cells.values()]


ACCESSES = ["PACE-CAM", "BAC", "PACE-CAM", "PACE-GM", "PACE-GM"]


@pytest.mark.device
def test_our_own_reader(virtual_reader: ThreadedReader, maker: Maker) -> None:
    (ours,) = (each for each in READERS if each.key == "chipseal")
    cells = read_some(virtual_reader, maker, partial(ours.start, None))
    assert {(each.outcome, each.genuine) for each in cells.values()} == {(Outcome.WHOLE, True)}
    assert accesses(cells) == ACCESSES


@pytest.mark.device
@pytest.mark.interop
def test_jmrtd(virtual_reader: ThreadedReader, maker: Maker, class_path: str) -> None:
    """It reads no DG7 without a number of images, as is recorded."""

    def start(name: str) -> Program:
        command = [program("java", "default-jdk-headless"), "-XX:TieredStopAtLevel=1", "-cp"]
        return Program([*command, class_path, "chipseal.interop.TableReader", name], {})

    cells = read_some(virtual_reader, maker, start)
    recorded = Results.load().columns["jmrtd"].cells
    assert cells == {key: recorded[key] for key in SOME}
    assert accesses(cells) == ACCESSES
