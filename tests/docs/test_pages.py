"""The README and the tutorials, typed as they stand; and how their outputs are compared."""

from pathlib import Path

import pytest

from tests.docs.console import INTERRUPT, Step, pages, rewritten, steps
from tests.docs.terminals import can_isolate, run_page
from tests.helpers import REPOSITORY


@pytest.mark.device
@pytest.mark.slow
@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_what_it_shows_is_what_happens(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if page.stem in {"border", "developer"} and not can_isolate():
        pytest.skip("a PC/SC service of its own needs root, pcscd, unshare and ip")
    typed = [step for step in steps(text) if isinstance(step, Step)]
    seen = run_page(page, tmp_path)
    for number, (step, result) in enumerate(zip(typed, seen, strict=True)):
        shown = "\n".join((step.command, *step.printed))
        found = "\n".join((step.command, *result.printed))
        assert step.matches(result.printed), f"the page shows:\n{shown}\n\nand this is:\n{found}"
        following = typed[number + 1].command if number + 1 < len(typed) else ""
        fails = following == "echo $?" or step.command == INTERRUPT
        assert not result.status or fails, f"{step.command}: exit status {result.status}"


def test_every_page_has_commands() -> None:
    for page in pages():
        assert len(steps(page.read_text(encoding="utf-8"))) > 4, page.name
    assert len(pages()) == 5


PAGE = """text
```console
$ one \\
>   two
valid until 2026-11-30, 12 octets
…
last
```
```console other
^C
taken out
```
```python file.py
x = 1
```
"""


def test_commands_terminals_and_files_are_found() -> None:
    one, interrupt, file = steps(PAGE)
    assert isinstance(one, Step)
    assert (one.terminal, one.command) == ("", "one \\\n  two")
    assert isinstance(interrupt, Step)
    assert (interrupt.terminal, interrupt.command) == ("other", INTERRUPT)
    assert file.__dict__ == {"name": "file.py", "text": "x = 1\n"}


@pytest.mark.parametrize(
    ("printed", "matches"),
    [
        (["valid until 2031-01-02, 1,312 octets", "last"], True),
        (["valid until 2031-01-02, 1,312 octets", "a", "b", "last"], True),
        (["valid until tomorrow, 1,312 octets", "last"], False),
        (["valid from 2031-01-02, 1,312 octets", "last"], False),
        (["valid until 2031-01-02, 1,312 octets"], False),
        (["valid until 2031-01-02, 1,312 octets", "last", "one more"], False),
    ],
)
def test_only_dates_sizes_and_what_is_left_out_may_differ(
    printed: list[str], matches: bool
) -> None:
    step = steps(PAGE)[0]
    assert isinstance(step, Step)
    assert (step.matches(printed) is not None) is matches


def test_the_month_may_differ() -> None:
    (step,) = steps("```console\n$ x\nperiod  2026-11  2 applications\n```\n")
    assert isinstance(step, Step)
    assert step.matches(["period  2026-12  2 applications"])
    assert not step.matches(["period  2026-12  3 applications"])
    assert not step.matches(["period  2026-12-01  2 applications"])


def test_the_dates_of_a_machine_readable_zone_may_differ() -> None:
    shown = "```console\n$ x\n9804212M3111219XXX<<<<<<<<<<<2\nFICTWOOD<<OSKAR<<<<<<<<<<<<<<<\n```\n"
    (step,) = steps(shown)
    assert isinstance(step, Step)
    assert step.matches(["9804113M3111116XXX<<<<<<<<<<<8", "FICTWOOD<<OSKAR<<<<<<<<<<<<<<<"])
    assert not step.matches(["9804113M3111116UTO<<<<<<<<<<<8", "FICTWOOD<<OSKAR<<<<<<<<<<<<<<<"])
    assert not step.matches(["9804113M3111116XXX<<<<<<<<<<<8", "FICTWOOD<<OSKAS<<<<<<<<<<<<<<<"])


def test_a_page_is_written_again_with_what_was_printed() -> None:
    printed = [["valid until 2031-01-02, 1,312 octets", "a", "last"], ["gone"]]
    written = rewritten(PAGE, printed)
    assert "valid until 2031-01-02, 1,312 octets\n…\nlast\n```" in written
    assert "```console other\n^C\ngone\n```" in written
    assert rewritten(written, printed) == written
