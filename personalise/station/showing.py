"""The output of the commands `personalise write` and `personalise passwords`."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import click

from emrtd.access.passwords import PasswordType
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.files import FileID
from emrtd.transport.trace import MeteredConnection
from personalise.station.sealed_image import SealedImage
from personalise.station.writing import Progress, WriteReport
from support.errors import MisuseError


@contextmanager
def progress_line() -> Iterator[Progress]:
    """Show the progress in percent on standard error if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return

    def show(done: int, total: int) -> None:
        click.echo(f"\r{done * 100 // max(total, 1):3d} %", nl=False, err=True)

    try:
        yield show
    finally:
        click.echo("\r", nl=False, err=True)


def print_report(report: WriteReport, connection: MeteredConnection, *, as_json: bool) -> None:
    """Print the result of writing a card, as text or as one JSON object."""
    if as_json:
        record = {
            "reader": connection.reader,
            "files": report.files,
            "octets": report.octets,
            "resumed": report.resumed,
            "already_complete": report.already_complete,
            "left_off": list(report.left_off),
            "apdus": connection.apdus,
            "bytes": connection.octets,
            "seconds": round(connection.seconds, 3),
        }
        click.echo(json.dumps(record))
        return
    what = "written, read back and locked"
    if report.already_complete:
        what = "already holds this document, complete and locked"
    elif report.resumed:
        what = "was partly written before: finished, read back and locked"
    click.echo(f"{connection.reader}: {what}; {report.files} files, {report.octets:,} octets")
    if report.left_off:
        names = ", ".join(report.left_off)
        click.echo(f"{connection.reader}: the card has no master file; not written: {names}")
    click.echo(
        f"{connection.apdus} APDUs, {connection.octets:,} octets, {connection.seconds:.2f} s"
    )


def print_passwords(image: SealedImage, *, as_json: bool) -> None:
    """Print the passwords of the chip; raises `MisuseError` if the image has no DG1."""
    found = _passwords(image)
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, value in found.items():
        for line in [value] if isinstance(value, str) else value:
            click.echo(f"{name.upper():4} {line}")


def _passwords(image: SealedImage) -> Mapping[str, str | list[str]]:
    if FileID.DG1 not in image.files:
        raise MisuseError("the image holds no DG1", advice="use another copy, or prepare it again")
    found: dict[str, str | list[str]] = {
        "mrz": list(DataGroup1.decode(image.files[FileID.DG1]).mrz.lines)
    }
    for each in image.order.keys.passwords:
        if each.password.type is not PasswordType.MRZ:
            name = each.password.type.name.lower()
            found[name] = each.password.secret.reveal().decode("iso8859-1")
    return found
