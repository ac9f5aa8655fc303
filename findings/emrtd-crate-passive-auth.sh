#!/usr/bin/env bash
# The Rust crate emrtd with the feature that its documentation names for passive authentication.
#
# Its page says: "Enable the `passive_auth` feature for Passive Authentication (PA)".
# Guess: the crate is built with it, and gives `passive_authentication` and `validate_dg`.
# Seen: it is built without the feature; with it, the compiler finds no function `eq` in its source.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mkdir src
echo 'fn main() {}' > src/main.rs
cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.1.0"
edition = "2021"

[dependencies]
emrtd = "=0.0.2"

[features]
passive_auth = ["emrtd/passive_auth"]

[patch.crates-io]
openssl-src = { path = "openssl-src" }
TOML
# The feature would compile OpenSSL too, which takes minutes and changes nothing: the headers of the
# system are used, and the crate with OpenSSL's source is replaced by an empty one.
mkdir -p openssl-src/src
echo 'pub struct Build;' > openssl-src/src/lib.rs
cat > openssl-src/Cargo.toml <<'TOML'
[package]
name = "openssl-src"
version = "300.9.9"
edition = "2021"
TOML
export OPENSSL_NO_VENDOR=1
echo "crate emrtd 0.0.2, $(rustc --version)"
echo "guess: cargo check passes without and with the feature passive_auth"
echo "seen:"
cargo check --quiet 2> without.txt && echo "without the feature: passes"
if cargo check --quiet --features passive_auth 2> with.txt; then
    echo "with the feature: passes"
    exit 1
fi
grep -m1 '^error' with.txt | sed 's/^/with the feature: /'
grep -q 'cannot find function `eq` in this scope' with.txt
