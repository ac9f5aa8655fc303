"""`python -m tests.trials [NAME...] [--seed N]`: the long trials; prints a line a trial.

    kills        200 kills of a station on SQLite
    kinds        100 kills of a station that writes cards of the kind globalplatform
    postgresql   100 kills of a station on PostgreSQL
    specimens    1,000 documents of 100 specimens, prepared and written through eight feeders
    intake       40 kills of an intake service while packages are sent to it
    container    the steps of Containerfile in a clean root; both services start in it
    bulk         20,000 images judged by two dask workers, one of which is killed in the middle
    year         a year of two States' PKIs by a clock of its own, judged by verify and by OpenSSL

Each of the line ends with `ledger verify`, the inspection of every card, and an account of every
blank; that of `verify bulk` compares every row with that of a single process; the seed of the year
chooses its days and its kinds of keys.
"""

import argparse
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path


def main() -> int:
    """Run the trials that are named, or all; return 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="./run trial", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(TRIALS)}")
    parser.add_argument(
        "--seed", type=int, default=2026, help="seed of the moments of the kills, or of the year"
    )
    parser.add_argument("--kills", type=int, help="how many kills, in place of 200, 100 and 40")
    parser.add_argument("--images", type=int, help="how many images, in place of 20,000")
    parser.add_argument("--cards", type=int, help="how many specimens, in place of 1,000")
    options = parser.parse_args()
    unknown = [each for each in options.names if each not in TRIALS]
    if unknown:
        parser.error(f"no such trial: {', '.join(unknown)}")
    failed = 0
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, seed {options.seed}")
    for name in options.names or TRIALS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="chipseal-trial-") as folder:
            told, problems = TRIALS[name](Path(folder), options)
        print(f"{name}: {told}; {time.monotonic() - began:.0f} s", flush=True)
        for problem in problems:
            print(f"{name}: WRONG: {problem}", flush=True)
        failed += bool(problems)
    return 1 if failed else 0


Trial = Callable[[Path, argparse.Namespace], tuple[str, list[str]]]


def _kills(folder: Path, options: argparse.Namespace) -> tuple[str, list[str]]:
    return _killed(folder, options.kills or 200, options.seed, None)


def _kinds(folder: Path, options: argparse.Namespace) -> tuple[str, list[str]]:
    return _killed(folder, options.kills or 100, options.seed, None, "globalplatform")


def _postgresql(folder: Path, options: argparse.Namespace) -> tuple[str, list[str]]:
    with _server(folder) as url:
        return _killed(folder / "line", options.kills or 100, options.seed, url)


def _killed(
    folder: Path, kills: int, seed: int, url: str | None, card: str = "iso7816-9"
) -> tuple[str, list[str]]:
    from dataclasses import replace

    from tests.trials.line import SMALL, Line
    from vsmartcard.chip.security_domain import BlankKind

    folder.mkdir(exist_ok=True)
    documents = kills + 20
    kind = replace(SMALL, card=BlankKind.of(card))
    line = Line.established(folder, documents, url=url, kind=kind)
    at_work = line.kill(seed, kills)
    assert line.run(timeout=1200) == 0
    events = Counter(each["event"] for each in line.events())
    made = events["issued"] + events["recognised"]
    told = (
        f"{kills} kills, {at_work} of them at work; {made} cards, {events['recognised']} of them"
        f" recognised after a kill, {events['rejected-card']} rejected"
    )
    return told, line.check()


def _specimens(folder: Path, options: argparse.Namespace) -> tuple[str, list[str]]:
    from personalise.station.line.preparation import PreparationSettings
    from tests.trials.line import Line

    count = options.cards or 1000
    line = Line.established(folder, 0, feeders=8, spare=count + 40)
    line.receive_specimens(count, "permit")
    preparation = PreparationSettings(line.issuer.pki, line.url)
    began = time.monotonic()
    assert line.run(timeout=7200, preparation=preparation) == 0
    seconds = time.monotonic() - began
    events = Counter(each["event"] for each in line.events())
    told = (
        f"{events['issued']} cards of {count} documents in eight feeders in {seconds:.0f} s, with"
        f" preparation; {events['rejected-card']} cards rejected"
    )
    return told, line.check()


def _bulk(folder: Path, options: argparse.Namespace) -> tuple[str, list[str]]:
    from tests.trials.bulk import run

    return run(folder, options.images or 20_000)


def _intake(folder: Path, options: argparse.Namespace) -> tuple[str, list[str]]:
    from tests.trials.intake import run

    return run(folder, options.kills or 40, options.seed)


def _container(folder: Path, _: argparse.Namespace) -> tuple[str, list[str]]:
    from tests.trials.container import run

    return run(folder)


def _year(folder: Path, options: argparse.Namespace) -> tuple[str, list[str]]:
    from tests.trials.year import live

    return live(folder, options.seed)


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    from tests.postgresql import PostgreSQL, _binaries

    place = folder / "server"
    folder.chmod(0o755)
    place.mkdir()
    server = PostgreSQL.create(_binaries(), place)
    server.start()
    try:
        yield server.new_database()
    finally:
        server.stop("immediate")


TRIALS: dict[str, Trial] = {
    "kills": _kills,
    "kinds": _kinds,
    "postgresql": _postgresql,
    "specimens": _specimens,
    "bulk": _bulk,
    "year": _year,
    "container": _container,
    "intake": _intake,
}

if __name__ == "__main__":
    sys.exit(main())
