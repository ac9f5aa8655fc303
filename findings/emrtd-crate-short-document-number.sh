#!/usr/bin/env bash
# The Rust crate emrtd and the keys of a document whose number has fewer than nine characters.
#
# Doc 9303-11, D.2: a shorter number has its filler in MRZ_information, from which the keys of BAC are
# derived; the worked example of L898902C, 690806, 940623 is L898902C<369080619406236.
# Guess: `other_mrz("L898902C", "690806", "940623")` is that.
# Seen: it is filled up with a space. Every key is another one, and no such chip opens.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.1.0"
edition = "2021"

[dependencies]
emrtd = "=0.0.2"

[profile.dev]
debug = false
TOML
cat > src/main.rs <<'RUST'
fn main() {
    for number in ["L898902C3", "L898902C"] {
        let information = emrtd::other_mrz(number, "690806", "940623").unwrap();
        println!("{number}: \"{information}\"");
    }
}
RUST
echo "crate emrtd 0.0.2, $(rustc --version)"
echo 'guess: "L898902C<369080619406236" for L898902C'
echo "seen:"
cargo run --quiet | tee seen.txt
grep -q '^L898902C3: "L898902C3669080619406236"$' seen.txt
grep -q '^L898902C: "L898902C 369080619406236"$' seen.txt
