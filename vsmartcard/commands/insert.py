"""The command `vsmartcard insert`; it imports what it needs when it runs."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from support.command_line import examples, trace_option
from support.errors import MisuseError
from support.remarks import remark, write_trace
from vsmartcard.commands.blank_options import (
    MEMORY,
    kind_option,
    open_option,
    require_plain_kind,
)

if TYPE_CHECKING:
    from emrtd.mrz import Mrz
    from emrtd.specimens import Specimen
    from vsmartcard.card.interface import Card
    from vsmartcard.card.stored_chip import StoredChip
    from vsmartcard.card.timed.layer import Timing
    from vsmartcard.quirks.making import QuirkyCard
    from vsmartcard.reader.inserting import Inserted


@click.command(
    epilog=examples(
        "vsmartcard insert --state card.chip",
        "vsmartcard insert --specimen passport --trace",
        "vsmartcard insert --feed stock --fault flip:0.001 --seed 7",
    )
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that stores the chip; created if it does not exist.  Without it, the chip is blank"
    " and is not saved.",
)
@click.option(
    "--specimen",
    metavar="PROFILE",
    help="A finished card of this chip profile, of a fictitious holder and State, signed today; it"
    " is not saved.",
)
@click.option(
    "--quirk",
    metavar="NAME",
    help="Gives the --specimen a quirk of real documents or chips, such as sod.no-tag;"
    " docs/inspection.md and docs/virtual-card.md list them.",
)
@click.option(
    "--forgery",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="A forged card that `vsmartcard forge` made.",
)
@click.option(
    "--feed",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of cards that are inserted in turn, as with `--reader feeder:DIR`.",
)
@click.option(
    "--trust",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the CSCA certificate and the CRL of --specimen are written, for `verify trust add`."
    "  [default: a folder in your own data folder]",
)
@click.option(
    "--reader-port",
    type=click.IntRange(1, 65535),
    help="Port of the reader.  [default: that of the first empty virtual reader]",
)
@click.option(
    "--memory",
    type=MEMORY,
    help="Octets of memory of a blank chip, for files and keys.  [default: 262144]",
)
@kind_option
@open_option
@click.option(
    "--fault",
    "faults",
    metavar="SPEC",
    multiple=True,
    help="A fault of card or reader, such as tear-after:12 or flip:0.01; repeatable.  The first is"
    " nearest to the chip.  docs/virtual-card.md lists them.",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Seed of what the faults draw; the same seed and commands give the same faults.",
)
@click.option(
    "--timing",
    metavar="PROFILE[,LINK]",
    help="Take the time of a real chip and link: 2010, 2018, 2026 or a TOML file; the link is a bit"
    " rate in kbit/s, t0 or t1.  [default of the link: 424]",
)
@trace_option
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object for each card that is inserted."
)
def insert(
    *,
    state: Path | None,
    specimen: str | None,
    quirk: str | None,
    forgery: Path | None,
    feed: Path | None,
    trust: Path | None,
    reader_port: int | None,
    memory: int | None,
    kind: str,
    is_open: bool,
    faults: tuple[str, ...],
    seed: int,
    timing: str | None,
    trace: bool,
    as_json: bool,
) -> None:
    """Insert a virtual chip into a virtual reader, until SIGTERM or SIGINT takes it out.

    A blank one has the published test key as its transport key, or with --open none.  With
    --specimen or --forgery, the MRZ and the CAN of the document are printed.  With --feed,
    a card is taken out when a program releases it and takes its power; it ends when the folder is
    empty.
    """
    if sum(each is not None for each in (state, specimen, forgery, feed)) > 1:
        raise MisuseError(
            "more than one of --state, --specimen, --forgery and --feed", advice="use one"
        )
    if forgery is not None and (faults or trace or timing is not None):
        option = "--fault" if faults else "--trace" if trace else "--timing"
        raise MisuseError(f"{option} is not for --forgery")
    if specimen is None and (trust is not None or quirk is not None):
        raise MisuseError(f"{'--trust' if quirk is None else '--quirk'} is for --specimen")
    if is_open:
        require_plain_kind(kind)
    from vsmartcard.card.faults.spec import read_faults

    read_faults(faults, str(seed))  # finds a mistake before anything is done
    if forgery is not None:
        _play(forgery, reader_port, as_json=as_json)
        return
    if timing is not None:
        from vsmartcard.timing.profile import read_timing

        read_timing(timing)  # likewise
    timings: list[Timing] = []
    make = _maker(
        faults, seed, memory, None if is_open else kind, timing=timing, timings=timings, trace=trace
    )
    with _times_told(timings):
        if feed is not None:
            _feed(feed, reader_port, make, as_json=as_json)
        else:
            details: dict[str, object] = {}
            made: QuirkyCard | None = None
            if specimen is not None:
                made, details = _specimen(specimen, trust, quirk)
            _insert(*make(state, made), reader_port, details, as_json=as_json)


def _insert(
    chip: "StoredChip", card: "Card", port: int | None, details: dict[str, object], *, as_json: bool
) -> None:
    """Insert one card until it is taken out."""
    from vsmartcard.reader.inserting import inserted
    from vsmartcard.reader.readers import kept_running

    with _until_taken_out(), kept_running(), inserted(card, port) as place:
        _announce(place, details, as_json=as_json)
        place.slot.serve(card)
    chip.close()


@contextmanager
def _times_told(timings: "list[Timing]") -> Iterator[None]:
    """Say at the end what link and chip of the cards have taken."""
    yield
    if timings:
        link = sum(each.time.link for each in timings)
        chip = sum(each.time.chip for each in timings)
        remark(f"took {link * 1000:.1f} ms on the link and {chip * 1000:.1f} ms of the chip")


def _maker(
    specs: tuple[str, ...],
    seed: int,
    memory: int | None,
    kind: str | None,
    *,
    timing: str | None,
    timings: "list[Timing]",
    trace: bool,
) -> "Callable[..., tuple[StoredChip, Card]]":
    """Return a function that makes a chip, and the card with its times, its faults and its trace.

    Its arguments are the state file, and a finished card if there is none.  The times of each card
    are added to `timings`.
    """
    from vsmartcard.card.faults.spec import read_faults
    from vsmartcard.card.stored_chip import StoredChip
    from vsmartcard.card.timed.layer import Timing
    from vsmartcard.card.tracing import Trace
    from vsmartcard.chip.commands import Instructions
    from vsmartcard.chip.security_domain import BlankKind, TransportKeys
    from vsmartcard.chip.state import Hardware
    from vsmartcard.quirks.chips import ChipQuirk
    from vsmartcard.timing.clock import RealClock
    from vsmartcard.timing.profile import read_timing

    hardware = None if memory is None else Hardware(memory=memory)
    transport = None if kind is None else TransportKeys(BlankKind.of(kind))

    def make(path: Path | None, made: "QuirkyCard | None" = None) -> "tuple[StoredChip, Card]":
        quirk = ChipQuirk() if made is None else made.chip
        faults = read_faults(specs, str(seed))
        tracing = Trace(write_trace) if trace else None
        times = None
        if timing is not None:
            times = Timing(*read_timing(timing), RealClock())
            timings.append(times)

        def change(table: Instructions) -> Instructions:
            table = quirk.change(table)
            table = table if times is None else times.change(table)
            return faults.change(table if tracing is None else tracing.change(table))

        chip = StoredChip(
            path,
            hardware=hardware,
            transport=transport,
            state=None if made is None else made.state,
            random=faults.random,
            change=change,
            memory=faults.memory if times is None else times.memory(faults.memory),
        )
        quirky = quirk.layer(chip)
        card = faults.over(quirky if times is None else times.over(quirky))
        return chip, card if tracing is None else tracing.over(card)

    return make


def _play(folder: Path, port: int | None, *, as_json: bool) -> None:
    """Insert the card of a forgery."""
    import secrets

    from emrtd.mrz import Mrz
    from vsmartcard.forging.folder import load_forged
    from vsmartcard.reader.inserting import inserted
    from vsmartcard.reader.readers import kept_running

    forgery, forged = load_forged(folder)
    card = forged.card(secrets.token_bytes)
    details: dict[str, object] = {
        "forgery": forgery.name,
        "check": forgery.check,
        "mrz": list(Mrz.parse(forged.printed).lines),
    }
    with _until_taken_out(), kept_running(), inserted(card, port) as place:
        _announce(place, details, as_json=as_json)
        place.slot.serve(card)


def _feed(
    folder: Path,
    port: int | None,
    make: "Callable[..., tuple[StoredChip, Card]]",
    *,
    as_json: bool,
) -> None:
    from vsmartcard.reader.feeder import Feeder
    from vsmartcard.reader.inserting import feed
    from vsmartcard.reader.readers import kept_running

    def tell(place: "Inserted", path: Path) -> None:
        _announce(place, {"card": path.name}, as_json=as_json)

    with _until_taken_out(), kept_running():
        feed(Feeder(str(folder)), port, make, tell)
        click.echo("the feeder is empty", err=True)


def _specimen(
    profile: str, folder: Path | None, quirk: str | None
) -> "tuple[QuirkyCard, dict[str, object]]":
    """Return a finished card, and what is printed about it."""
    from emrtd.specimens import make_specimen
    from vsmartcard.quirks.making import QuirkyCard, make_quirky
    from vsmartcard.reader.specimens import save_trust, state_of, today

    made = make_specimen(profile, today())
    if quirk is None:
        card = QuirkyCard(made.files, state_of(made))
    else:
        card = make_quirky(quirk, made, today())
    if folder is None:
        from platformdirs import user_data_path

        folder = user_data_path("chipseal") / "specimens" / "-".join(filter(None, (profile, quirk)))
    return card, _details(made, card.mrz, save_trust(made, folder, card.trust))


def _details(specimen: "Specimen", mrz: "Mrz", trust: tuple[Path, ...]) -> dict[str, object]:
    return {
        "specimen": specimen.profile,
        "mrz": list(mrz.lines),
        "can": specimen.can,
        "trust": [str(path) for path in trust],
    }


def _announce(place: "Inserted", details: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        record = {"reader": place.name or None, "port": place.port, **details}
        click.echo(json.dumps(record))
    else:
        name = f"{place.name}, " if place.name else ""
        card = f"{details['card']} " if "card" in details else ""
        click.echo(f"{card}inserted in {name}port {place.port}")
        if "specimen" in details:
            _show_specimen(details)
        if "forgery" in details:
            click.echo(f"{details['forgery']}: {details['check']} must not pass")
            _show_mrz(details)
    sys.stdout.flush()


def _show_specimen(details: dict[str, object]) -> None:
    click.echo(f"specimen of the profile {details['specimen']}; its holder and State do not exist")
    _show_mrz(details)
    if details["can"]:
        click.echo(f"CAN  {details['can']}")
    for path in details["trust"]:  # type: ignore[attr-defined]
        click.echo(f"for `verify trust add`: {path}")


def _show_mrz(details: dict[str, object]) -> None:
    for line in details["mrz"]:  # type: ignore[attr-defined]
        click.echo(f"MRZ  {line}")


class _TakenOut(BaseException):
    """Raised by the signal to take the card out."""


@contextmanager
def _until_taken_out() -> Iterator[None]:
    def take_out(_number: int, _frame: object) -> None:
        raise _TakenOut

    from emrtd.errors import TransportError
    from vsmartcard.reader.inserting import left_by_a_fault

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, take_out)
    try:
        yield
    except _TakenOut:
        click.echo("taken out", err=True)
    except TransportError as error:
        if not left_by_a_fault(error):
            raise
        remark(f"taken out by a fault: {error.message}")
