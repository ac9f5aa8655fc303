"""What the commands of `verify trust` share: the argument STORE, `--json` and how they print."""

import json
from pathlib import Path
from typing import Any

import click

store_argument = click.argument("store", type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(value: Any) -> None:
    """Print a value as JSON, with characters beyond ASCII as they are."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))


def counted_entries(number: int) -> str:
    """Return a number of entries in words: `1 entry`, `2 entries`."""
    return "1 entry" if number == 1 else f"{number} entries"
