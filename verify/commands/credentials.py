"""The printed MRZ and the CAN, from options, standard input or a person at a terminal."""

import re
import sys
from collections.abc import Callable
from typing import Final

import click

from emrtd.access.passwords import Password
from support.errors import MisuseError
from verify.inspection.opening import Credentials
from verify.judging.optical import FORMS, information_of, read_optical_mrz

STANDARD_INPUT: Final = "-"
_MAX_INPUT: Final = 4096
_MAX_LINES: Final = 3
_CAN: Final = re.compile(r"[0-9]{6,16}")


def read_credentials(mrz: str | None, can: str | None) -> tuple[Credentials, str]:
    """What opens the chip, and the MRZ that was read optically (empty where none was).

    Raises `MisuseError`, which never repeats a password.
    """
    if mrz == STANDARD_INPUT and can == STANDARD_INPUT:
        raise MisuseError("--mrz - and --can - cannot both read standard input")
    if mrz is None and can is None:
        mrz, can = _ask()
    optical = "" if mrz is None else read_optical(mrz)
    number = None if can is None else _read_can(can)
    return (
        Credentials(
            mrz=Password.from_mrz_information(information_of(optical)) if optical else None,
            can=None if number is None else Password.can(number),
        ),
        optical,
    )


def read_optical(mrz: str) -> str:
    """The MRZ of an option: its text, or standard input for `-`."""
    if mrz != STANDARD_INPUT:
        return read_optical_mrz(mrz)
    if sys.stdin.isatty():
        return _ask_for_mrz()
    return read_optical_mrz(_read_input(sys.stdin.read))


def _read_input(read: Callable[[int], str]) -> str:
    try:
        return read(_MAX_INPUT)
    except UnicodeDecodeError:
        raise MisuseError("what came on standard input is no text") from None


def _read_can(can: str) -> str:
    if can == STANDARD_INPUT:
        if sys.stdin.isatty():
            can = click.prompt("CAN", err=True)
        else:
            can = _read_input(sys.stdin.readline)
    number = can.strip()
    if not _CAN.fullmatch(number):
        raise MisuseError("a Card Access Number is 6 digits or more, as printed on the card")
    return number


def _ask() -> tuple[str | None, str | None]:
    """Ask for one or the other."""
    if not sys.stdin.isatty():
        raise MisuseError(f"what opens the chip? Give --can, or --mrz: {FORMS}")
    click.echo(f"What is printed on the card: {FORMS}; or the CAN.", err=True)
    first = click.prompt("MRZ or CAN", err=True).strip()
    if _CAN.fullmatch(first):
        return None, first
    return _ask_for_lines(first), None


def _ask_for_mrz() -> str:
    return read_optical_mrz(_ask_for_lines(click.prompt("MRZ", err=True)))


def _ask_for_lines(first: str) -> str:
    """Go on asking until the lines are one of the forms; the last refusal is the answer."""
    lines = [first]
    while True:
        try:
            read_optical_mrz("".join(lines))
        except MisuseError:
            if len(lines) == _MAX_LINES:
                raise
        else:
            return "".join(lines)
        lines.append(click.prompt(f"line {len(lines) + 1}", err=True))
