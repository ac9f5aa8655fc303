#!/usr/bin/env bash
# The Rust crate dmrtd and a DG12 whose date of issue is in BCD.
#
# Doc 9303-10, 4.7.12: "It is RECOMMENDED that Inspection Systems support both 8 bytes ASCII and BCD
# date/time encoding": the first editions wrote 2014-06-18 in the four octets 20 14 06 18.
# Guess: the date is read in either form.
# Seen: BCD is read as letters, and the whole of DG12 is refused: the issuing authority is lost too.
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
dmrtd = "=0.3.5"

[profile.dev]
debug = false
TOML
cat > src/main.rs <<'RUST'
use dmrtd::lds::df1::efdg12::EfDG12;

/// Encodes a data object with a length of one octet.
fn object(tag: &[u8], value: &[u8]) -> Vec<u8> {
    [tag, &[value.len() as u8], value].concat()
}

fn main() {
    for (form, date) in [("ASCII", &b"20140618"[..]), ("BCD", &[0x20, 0x14, 0x06, 0x18])] {
        let content = [
            object(&[0x5C], &[0x5F, 0x19, 0x5F, 0x26]),
            object(&[0x5F, 0x19], b"UTOPIA"),
            object(&[0x5F, 0x26], date),
        ];
        match EfDG12::from_bytes(object(&[0x6C], &content.concat())) {
            Ok(dg12) => println!("{form}: {:?}, {:?}", dg12.issuing_authority, dg12.date_of_issue),
            Err(error) => println!("{form}: refused: {error:?}"),
        }
    }
}
RUST
echo "crate dmrtd 0.3.5, $(rustc --version)"
echo "guess: the authority UTOPIA and the date 2014-06-18 in both forms"
echo "seen:"
cargo run --quiet | tee seen.txt
grep -q '^ASCII: Some("UTOPIA"), Some(2014-06-18)' seen.txt
grep -q '^BCD: refused: ' seen.txt
