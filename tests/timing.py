"""`python -m tests.timing` makes the tables of docs/timing.md from the profiles and the model."""

import sys
from datetime import UTC, datetime

from emrtd.access.passwords import Password
from emrtd.iso7816.procedure import run
from emrtd.specimens import make_specimen
from tests.helpers import REPOSITORY
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from vsmartcard.card.layers import Watched
from vsmartcard.card.timed.layer import Timing
from vsmartcard.reader.specimens import state_of
from vsmartcard.timing.profile import PROFILES, ChipProfile, load_profile, read_timing

PAGE = REPOSITORY / "docs" / "timing.md"

HEADING = "## The figures\n"
"""What follows it is made; what stands before it is written by hand."""

_LINKS = ("106", "424", "848", "t1")
_NEWEST = "6780"
_AT = datetime(2026, 1, 1, tzinfo=UTC)


def figures() -> str:
    """Return the profiles: each figure and where it is from."""
    return "".join(_profile(load_profile(name)) for name in PROFILES)


def _profile(chip: ChipProfile) -> str:
    lines = [f"### {chip.name}: {chip.chip}", ""]
    lines += [f"- *{name}*: {source}" for name, source in chip.sources.items()]
    lines += ["", "| figure | value | source |", "|---|---|---|"]
    rows = [
        ("a command, besides cryptography and writes", f"{chip.overhead.command_ms} ms"),
        ("start after a reset", f"{chip.overhead.start_ms} ms"),
    ]
    lines += [_row(*row, chip.overhead.source) for row in rows]
    memory, contactless, contact = chip.memory, chip.contactless, chip.contact
    lines.append(
        _row(f"a page of {memory.page_octets} octets", f"{memory.page_ms} ms", memory.source)
    )
    value = f"FSC {contactless.fsc}, FWI {contactless.fwi}, WTXM {contactless.wtxm}"
    lines.append(_row("contactless", value, contactless.source))
    value = f"TA1 {contact.ta1}, {contact.clock_mhz} MHz, IFSC {contact.ifsc}"
    lines.append(_row("contact", value, contact.source))
    for work, octets in chip.by_octets.items():
        value = f"{octets.start_ms} ms + {octets.octet_ms} ms an octet"
        lines.append(_row(f"`{work}`", value, octets.source))
    for work, bits in chip.by_bits.items():
        value = ", ".join(f"{size}: {each} ms" for size, each in bits.points)
        lines.append(_row(f"`{work}`, by bits", value, bits.source))
    return "\n".join(lines) + "\n\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def sessions() -> list[tuple[str, str, int, int, float, float]]:
    """Return chip, link, commands, blocks, and the seconds of link and chip, of inspections."""
    made = make_specimen("passport", _AT)
    credentials = Credentials(mrz=Password.from_mrz_information(made.mrz.information))
    found = []
    for profile in PROFILES:
        for link in (*_LINKS, *([_NEWEST] * (profile == PROFILES[-1]))):
            timing = Timing(*read_timing(f"{profile},{link}"))
            card = Watched(timing.card(state_of(made, random=bytes)))
            run(inspect(credentials, terminal=made.terminal), card.process, card.reset)
            row = (len(card.sent), timing.blocks, timing.time.link, timing.time.chip)
            found.append((profile, link, *row))
    return found


def _session_table() -> str:
    head = (
        "### A whole inspection\n\n"
        "`verify card` with the passport of `--specimen`, its fingerprints and all proofs, in"
        " virtual time.\n\n"
        "| chip | link | commands | blocks | link s | chip s | both s |\n"
        "|---|---|---|---|---|---|---|\n"
    )
    rows = (
        _row(chip, link, str(commands), str(blocks), f"{on_link:.2f}", f"{in_chip:.2f}",
             f"{on_link + in_chip:.2f}")
        for chip, link, commands, blocks, on_link, in_chip in sessions()
    )  # fmt: skip
    return head + "\n".join(rows) + "\n"


def page() -> str:
    """Return the page."""
    head = PAGE.read_text(encoding="utf-8").partition(HEADING)[0]
    return f"{head}{HEADING}\n{figures()}{_session_table()}"


def main() -> int:
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
