#!/usr/bin/env bash
# msgspec: a Struct with its own __repr__, printed by rich.
#
# A class that holds personal data overrides __repr__, so that no log or debugger shows its fields.
# Guess: rich.pretty, rich.inspect and IPython with rich print what repr() returns, as they do for a
# dataclass or attrs class whose __repr__ is overridden.
# Seen: Struct has a __rich_repr__ of its own, which rich prefers; it shows every field. A class has
# to override both.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q 'msgspec==0.22.0' 'rich==14.2.0'
cat > show.py <<'PY'
import dataclasses
import sys

import msgspec
from rich.pretty import pretty_repr


class Struct(msgspec.Struct):
    name: str

    def __repr__(self) -> str:
        return "Struct(...)"


@dataclasses.dataclass
class Dataclass:
    name: str

    def __repr__(self) -> str:
        return "Dataclass(...)"


struct, other = Struct("MUSTERMANN"), Dataclass("MUSTERMANN")
print(f"  dataclass: repr {other!r}, rich {pretty_repr(other)}")
print(f"  Struct: repr {struct!r}, rich {pretty_repr(struct)}")
same = (
    pretty_repr(other) == "Dataclass(...)"
    and repr(struct) == "Struct(...)"
    and "MUSTERMANN" in pretty_repr(struct)
)
sys.exit(0 if same else "changed: rich shows what repr shows")
PY
echo "PyPI msgspec 0.22.0, rich 14.2.0"
echo "guess: rich shows Dataclass(...) and Struct(...)"
echo "seen:"
venv/bin/python show.py
