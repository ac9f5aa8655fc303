#!/usr/bin/env bash
# The Rust crate x509-parser and a name with a comma in it.
#
# Ministries have commas in their names, and logs and trust lists are kept by the text of a name.
# Guess: the Display of X509Name escapes a comma inside a value, as RFC 4514 and x509-cert do.
# Seen: nothing is escaped, so that two different names have one text: an organization "Utopia, Ministry,
# CN=CSCA" is written as an organization and a common name.
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
x509-cert = "=0.2.5"
x509-parser = "=0.18.1"

[profile.dev]
debug = false
TOML
cat > src/main.rs <<'RUST'
use x509_cert::der::Decode;

fn main() {
    for name in ["one", "two"] {
        let octets = std::fs::read(format!("{name}.der")).unwrap();
        let (_, parsed) = x509_parser::parse_x509_certificate(&octets).unwrap();
        let cert = x509_cert::Certificate::from_der(&octets).unwrap();
        println!("x509-parser, {name}: {}", parsed.subject());
        println!("x509-cert, {name}: {}", cert.tbs_certificate.subject);
    }
}
RUST
certificate() {  # NAME SUBJECT
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -days 30 \
        -subj "$2" -outform DER -out "$1.der" 2>> openssl.txt
}
certificate one "/C=UT/O=Utopia, Ministry, CN=CSCA"
certificate two "/C=UT/O=Utopia, Ministry/CN=CSCA"
echo "crates x509-parser 0.18.1, x509-cert 0.2.5, $(rustc --version)"
echo "guess: two texts from each crate"
echo "seen:"
cargo run --quiet | tee seen.txt
[ "$(grep '^x509-parser' seen.txt | cut -d: -f2 | sort -u)" = " C=UT, O=Utopia, Ministry, CN=CSCA" ]
[ "$(grep '^x509-cert' seen.txt | cut -d: -f2 | sort -u | wc -l)" -eq 2 ]
