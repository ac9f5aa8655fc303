"""Read the printed MRZ and the CAN from options, standard input or a prompt."""

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
    """Return the passwords that open the chip, and the printed MRZ (empty if not given).

    Raises `MisuseError` if an option is malformed; its message never repeats a password.
    """
    if mrz == STANDARD_INPUT and can == STANDARD_INPUT:
        raise MisuseError(
            "--mrz - and --can - cannot both read standard input", advice="give one as text"
        )
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
    """Return the MRZ of an option: its text, or that on standard input if it is `-`."""
    if mrz != STANDARD_INPUT:
        return read_optical_mrz(mrz)
    if sys.stdin.isatty():
        return _ask_for_mrz()
    return read_optical_mrz(_read_input(sys.stdin.read))


def _read_input(read: Callable[[int], str]) -> str:
    try:
        return read(_MAX_INPUT)
    except UnicodeDecodeError:
        raise MisuseError("standard input is not UTF-8 text") from None


def _read_can(can: str) -> str:
    if can == STANDARD_INPUT:
        if sys.stdin.isatty():
            can = click.prompt("CAN", err=True)
        else:
            can = _read_input(sys.stdin.readline)
    number = can.strip()
    if not _CAN.fullmatch(number):
        raise MisuseError("a Card Access Number has 6 to 16 digits", advice="read it on the card")
    return number


def _ask() -> tuple[str | None, str | None]:
    """Ask for the MRZ or the CAN."""
    if not sys.stdin.isatty():
        raise MisuseError(
            "no password to open the chip with", advice=f"use --can, or --mrz with {FORMS}"
        )
    click.echo(f"Enter what is printed on the card: {FORMS}; or the CAN.", err=True)
    first = click.prompt("MRZ or CAN", err=True).strip()
    if _CAN.fullmatch(first):
        return None, first
    return _ask_for_lines(first), None


def _ask_for_mrz() -> str:
    return read_optical_mrz(_ask_for_lines(click.prompt("MRZ", err=True)))


def _ask_for_lines(first: str) -> str:
    """Ask for lines until they are an MRZ; raise the error of the last try after 3 lines."""
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
