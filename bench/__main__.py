"""`python -m bench [NAME...]`: run the benchmarks; print each ratio and its allowed maximum."""

import importlib
import pkgutil
import sys
from pathlib import Path

from bench.timing import Ratio


def main(names: list[str]) -> int:
    found = [each.name for each in pkgutil.iter_modules([str(Path(__file__).parent)])]
    over = 0
    for name in sorted(found):
        if name in {"__main__", "documents", "pkd_set", "timing"} or (names and name not in names):
            continue
        module = importlib.import_module(f"bench.{name}")
        print(f"{name}: {(module.__doc__ or '').splitlines()[0]}")
        measured: list[Ratio] = module.measure()
        for each in measured:
            verdict = "ok" if each.ratio <= each.allowed else "OVER"
            over += verdict == "OVER"
            print(f"  {each.label:62} {each.ratio:8.2f}  allowed {each.allowed:6.2f}  {verdict}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
