"""`python -m tests.interop.table [READER...]`: fill the table of docs/interop.md, and write it.

Results that are recorded are kept, so that a run that was interrupted goes on.  A reader that
cannot be started keeps its column as it was last recorded.
"""

import argparse
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.interop.table import page
from tests.interop.table.cards import rows
from tests.interop.table.readers import READERS, given
from tests.interop.table.reading import NotStartedError
from tests.interop.table.results import Results
from tests.interop.table.running import fill


def main() -> int:
    """Fill the columns of the readers that are named, or of all."""
    parser = argparse.ArgumentParser(prog="./run interop --table", description=__doc__)
    parser.add_argument("readers", nargs="*", metavar="READER", help="its key, such as jmrtd")
    parser.add_argument("--with", dest="folder", type=Path, help="folder with programs of your own")
    parser.add_argument("--again", action="store_true", help="read again what is recorded")
    parser.add_argument("--rows", default="", help="only the cards whose name contains this")
    parser.add_argument("--page", action="store_true", help="only write the page")
    options = parser.parse_args()
    if options.folder is not None:
        options.folder = Path(os.environ.get("CHIPSEAL_CALLED_FROM", "."), options.folder)
    known = {each.key: each for each in (*READERS, *given(options.folder))}
    if unknown := set(options.readers) - set(known):
        parser.error(
            f"no such reader: {', '.join(sorted(unknown))}; choose from {', '.join(known)}"
        )
    results = Results.load()
    chosen = [row for row in rows() if options.rows in row.key]
    results.forget(row.key for row in rows())
    for kind in () if options.page else known.values():
        if options.readers and kind.key not in options.readers:
            continue
        if options.again and kind.key in results.columns:
            for row in chosen:
                results.columns[kind.key].cells.pop(row.key, None)
        with tempfile.TemporaryDirectory(prefix="chipseal-table-") as place:
            try:
                fill(
                    results,
                    kind.key,
                    partial(kind.start, options.folder),
                    chosen,
                    Path(place),
                    save=results.save,
                )
            except NotStartedError as error:
                print(f"{kind.key}: {error}: left as last recorded", file=sys.stderr)
    page.write(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
