"""Show the results of cases: as text, as JSON, as JUnit XML, and as a page of HTML."""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from conformance.case import Case, Outcome, Result
from support.files import write_atomically
from support.pages import page_template
from support.printable_text import printable


def print_results(
    cases: Mapping[str, Case], results: Sequence[Result], *, as_json: bool = False
) -> None:
    """Print results on standard output: a JSON array, or a line for each case and a total."""
    if as_json:
        lines = json.dumps([each.as_json() for each in results], indent=2, ensure_ascii=True)
        sys.stdout.write(f"{lines}\n")
        return
    for each in results:
        print_result(cases, each)
    sys.stdout.write(f"{total(results)}\n")


def print_result(cases: Mapping[str, Case], result: Result) -> None:
    """Print the line of one result."""
    reason = f": {printable(result.reason)}" if result.reason else ""
    sys.stdout.write(f"{result.outcome:14}  {result.id:14}  {cases[result.id].title}{reason}\n")
    sys.stdout.flush()


def total(results: Sequence[Result]) -> str:
    """Return the numbers of outcomes as text: "135 passed, 0 failed, 13 not applicable"."""
    count = Counter(each.outcome for each in results)
    return ", ".join(f"{count[each]} {each.replace('-', ' ')}" for each in Outcome)


def print_list(cases: Mapping[str, Case]) -> None:
    """Print a line for each case of a catalogue: id, title, and why it is withdrawn."""
    for case in cases.values():
        withdrawn = f" ({case.withdrawn})" if case.withdrawn else ""
        sys.stdout.write(f"{case.id:14}  {case.title}{withdrawn}\n")


def write_junit(
    path: Path, suite: str, cases: Mapping[str, Case], results: Sequence[Result]
) -> None:
    """Write results to a file in the JUnit XML format, as CI servers read it; raises `OSError`."""
    count = Counter(each.outcome for each in results)
    root = ET.Element(
        "testsuite",
        name=suite,
        tests=str(len(results)),
        failures=str(count[Outcome.FAILED]),
        skipped=str(count[Outcome.NOT_APPLICABLE]),
        errors="0",
    )
    for each in results:
        name = f"{each.id} {cases[each.id].title}"
        element = ET.SubElement(root, "testcase", classname=suite, name=name)
        message = printable(each.reason)
        if each.outcome is Outcome.FAILED:
            ET.SubElement(element, "failure", message=message)
        elif each.outcome is Outcome.NOT_APPLICABLE:
            ET.SubElement(element, "skipped", message=message)
    ET.indent(root)
    write_atomically(path, ET.tostring(root, encoding="utf-8", xml_declaration=True))


def write_page(
    path: Path, title: str, cases: Mapping[str, Case], results: Sequence[Result]
) -> None:
    """Write results to a page of HTML, which has no script and fetches nothing; raises `OSError`.

    Texts of what was tested are hostile, and are escaped.
    """
    page = page_template("conformance", "results.html").render(
        title=title,
        total=total(results),
        rows=[(cases[each.id], each) for each in results],
        at=datetime.now(UTC),
    )
    write_atomically(path, page.encode())
