"""The status of a PKI as text, as JSON and as a page."""

import re
import shlex
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from personalise.pki.status.due import Due
from personalise.pki.status.values import HeldCertificate, Overview
from support.pages import page_template
from support.printable_text import printable


def as_json(overview: Overview, to_do: list[Due]) -> str:
    """Return one JSON object, indented: the overview, `due`, and whether anything is overdue."""
    record: dict[str, Any] = msgspec.to_builtins(overview)
    record |= {
        "due": msgspec.to_builtins(to_do),
        "overdue": any(each.overdue for each in to_do),
    }
    return msgspec.json.format(msgspec.json.encode(record), indent=2).decode()


def as_text(overview: Overview, to_do: list[Due]) -> Iterator[str]:
    """Yield the lines of the status: what is due, then what there is."""
    yield f"PKI of {overview.state}, {overview.organisation}, at {_instant(overview.at)}"
    yield ""
    yield from _due_lines(to_do, overview.folder)
    yield ""
    yield from _certificate_lines(overview)
    yield ""
    yield _crl_line(overview)
    for published in overview.lists[-1:]:
        yield (
            f"{published.kind}      {published.certificates} certificates, {published.at};"
            f" {len(overview.lists)} in all"
        )
    yield f"keys             {', '.join(_key(each.label, each.place) for each in overview.keys)}"
    yield _officers_line(overview)
    yield ""
    yield "last operations"
    for each in overview.last:
        subject = " ".join(f"{name}={value}" for name, value in each.subject.items())
        by = f"  by {', '.join(each.officers)}" if each.officers else ""
        yield printable(f"  {each.at}  {each.operation:20} {each.outcome:6} {subject}{by}")


def as_html(overview: Overview, to_do: list[Due]) -> str:
    """Return one page without scripts and without anything from outside."""
    return page_template("personalise.pki.status", "status.html").render(
        overview=overview,
        to_do=to_do,
        overdue=any(each.overdue for each in to_do),
        day=_day,
        typed=_typed,
        instant=_instant,
        crl=_crl_line(overview),
        officers=_officers_line(overview),
    )


def _due_lines(to_do: list[Due], folder: str) -> Iterator[str]:
    if not to_do:
        yield "nothing is due"
    for each in to_do:
        mark = "OVERDUE" if each.overdue else "due    "
        clause = f" [{each.clause}]" if each.clause else ""
        yield printable(f"{mark} {_day(each.by)}  {each.what}{clause}")
        if each.command:
            yield printable(f"                    run: {_typed(each.command, folder)}")


def _typed(command: str, folder: str) -> str:
    """Return a command as it is typed, with the PKI's folder and a file for a request."""
    if command.startswith("personalise pki lint"):
        return command
    place = shlex.quote(folder)
    request = re.search(r" foreign/([A-Z]{2})/cvca/", command)
    if request is not None:
        command = f"{command.replace(' foreign/', f' {place}/foreign/')} -o to-{request[1]}.cvreq"
    return f"{command} --pki {place}"


def _certificate_lines(overview: Overview) -> Iterator[str]:
    yield f"{'certificate':16} {'kind':30} {'key':18} {'use':8} {'signs until':11} valid until"
    for each in overview.certificates:
        yield printable(
            f"{_short(each):16} {each.kind:30} {each.key:18} {each.use:8}"
            f" {_day(each.signs_until):11} {_day(each.valid_until)}{_fullness(each)}"
        )


def _short(certificate: HeldCertificate) -> str:
    name = certificate.name
    return name if len(name) <= 16 else f"{name[:15]}…"


def _fullness(certificate: HeldCertificate) -> str:
    if certificate.documents is None or certificate.limit is None:
        return ""
    return f"  {certificate.documents:,} of {certificate.limit:,} documents"


def _crl_line(overview: Overview) -> str:
    crl = overview.crl
    if crl is None:
        return "CRL              none"
    end = "no next one named" if crl.next_update is None else f"next by {_day(crl.next_update)}"
    return (
        f"CRL              number {crl.number}, {_day(crl.this_update)}, {end},"
        f" {crl.revoked} revoked"
    )


def _officers_line(overview: Overview) -> str:
    names = ", ".join(overview.officers) or "none"
    return printable(f"officers         {names}; {overview.required} must approve")


def _key(label: str, place: str) -> str:
    return f"{label} (HSM)" if place == "HSM" else label


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
