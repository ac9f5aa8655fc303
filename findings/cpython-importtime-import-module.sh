#!/usr/bin/env bash
# CPython's -X importtime and importlib.import_module.
#
# Its documentation: "Show how long each import takes", nested imports included.
# Guess: every module that a program imports is in the list, so that a test of start-up may take it
# for what was imported.
# Seen: the module that importlib.import_module names is not listed, and so nothing that an entry
# point loads; only what such a module imports by a statement is. sys.modules has them all.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 --version
echo "import inner" > outer.py
touch inner.py

listed() { # the modules of ours that -X importtime lists for a program
    python3 -X importtime -c "$1" 2>&1 >/dev/null | awk '{print $NF}' | grep -xE 'outer|inner' |
        sort | tr '\n' ' '
}

statement=$(listed 'import outer')
function=$(listed 'import importlib; importlib.import_module("outer")')
loaded=$(python3 -c 'import importlib, sys; importlib.import_module("outer"); print("outer" in sys.modules)')
echo "import outer:                 $statement"
echo "importlib.import_module:      $function"
echo "outer is in sys.modules then: $loaded"
[ "$statement" = "inner outer " ] && [ "$function" = "inner " ] && [ "$loaded" = True ]
