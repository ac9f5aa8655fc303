#!/usr/bin/env bash
# The Rust crate dmrtd and PACE with Diffie-Hellman.
#
# Doc 9303-11, 9.7.1: keys are derived from the shared secret K, "an octet string". By PKCS #3, 8.3, to
# which 9.6 refers for DH, the secret has as many octets as the prime: zeros at its beginning
# stay.
# Guess: every session of a chip that follows PKCS #3 opens.
# Seen: the zeros are dropped. With domain parameters 0, one session of 177 has a secret below
# 2^1016; its authentication token is of other keys, and the chip refuses the terminal.
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
num-bigint = "=0.4.6"

[profile.dev]
debug = false

[profile.dev.package.num-bigint]
opt-level = 2
TOML
cat > src/main.rs <<'RUST'
//! A chip with PACE (DH, Generic Mapping, AES-128, domain parameters 0), as far as the terminal's
//! authentication token, which it compares with that of both forms of the secret.

use std::cell::RefCell;
use std::rc::Rc;

use dmrtd::com::{TransceiveError, Transceiver};
use dmrtd::crypto::aes::{AesCipher, BlockCipherMode, KeyLength};
use dmrtd::crypto::kdf::DeriveKey;
use dmrtd::lds::efcard_access::EfCardAccess;
use dmrtd::lds::tlv::Tlv;
use dmrtd::passport::Passport;
use dmrtd::proto::can_key::CanKey;
use num_bigint::BigUint;

const P: &str = "B10B8F96A080E01DDE92DE5EAE5D54EC52C99FBCFB06A3C69A6A9DCA52D23B616073E28675A23D18\
9838EF1E2EE652C013ECB4AEA906112324975C3CD49B83BFACCBDD7D90C4BD7098488E9C219A73724EFFD6FAE5644738\
FAA31A4FF55BCCC0A151AF5F0DC8B4BD45BF37DF365C1A65E68CFDA76D4DA708DF1FB2BC2E4A4371";
const G: &str = "A4D1CBD5C3FD34126765A442EFB99905F8104DD258AC507FD6406CFF14266D31266FEA1E5C41564B\
777E690F5504F213160217B4B01B886A5E91547F9E2749F4D7FBD7D3B9A92EE1909D0D2263F80A76A6A24C087A091F53\
1DBF0A0169B6A28AD662A4D18E73AFA32D779D5918D08BC8858F4DCEF97C2A24855E6EEB22B3B2E5";
const CAN: &str = "123456";
/// id-PACE-DH-GM-AES-CBC-CMAC-128
const OID: [u8; 10] = [0x04, 0x00, 0x7F, 0x00, 0x07, 0x02, 0x02, 0x04, 0x01, 0x02];

/// What the chip saw: whether the secret begins with a zero, and which tokens are right.
#[derive(Default)]
struct Seen {
    zero: bool,
    token_of_whole: bool,
    token_of_stripped: bool,
}

struct Chip {
    seen: Rc<RefCell<Seen>>,
    step: u32,
    p: BigUint,
    mapped: BigUint,
    secret: Vec<u8>,
    public: Vec<u8>,
}

impl Chip {
    fn new(seen: Rc<RefCell<Seen>>) -> Self {
        let p = BigUint::parse_bytes(P.as_bytes(), 16).unwrap();
        Self { seen, step: 0, p, mapped: BigUint::default(), secret: vec![], public: vec![] }
    }

    /// Answers the data object that a GENERAL AUTHENTICATE has.
    fn answer(&mut self, value: &[u8]) -> Option<Vec<u8>> {
        let g = BigUint::parse_bytes(G.as_bytes(), 16).unwrap();
        let cryptogram = [0x5A; 16];
        let other = BigUint::from_bytes_be(value);
        let private = BigUint::from(0x1234_5678_9ABC_DEF1_u64);
        self.step += 1;
        match self.step {
            1 => Some(Tlv::encode(0x80, &cryptogram)),
            2 => {
                let aes = AesCipher::new(KeyLength::S128);
                let key = DeriveKey::aes128(CAN.as_bytes(), true);
                let s = aes.decrypt(&cryptogram, &key, Some(&[0; 16]), BlockCipherMode::Cbc).unwrap();
                let shared = other.modpow(&private, &self.p);
                self.mapped = g.modpow(&BigUint::from_bytes_be(&s), &self.p) * shared % &self.p;
                Some(Tlv::encode(0x82, &g.modpow(&private, &self.p).to_bytes_be()))
            }
            3 => {
                self.secret = other.modpow(&private, &self.p).to_bytes_be();
                self.public = self.mapped.modpow(&private, &self.p).to_bytes_be();
                Some(Tlv::encode(0x84, &self.public))
            }
            _ => {
                let mut whole = vec![0; 128 - self.secret.len()];
                whole.extend(&self.secret);
                *self.seen.borrow_mut() = Seen {
                    zero: self.secret.len() < 128,
                    token_of_whole: self.token(&whole) == value,
                    token_of_stripped: self.token(&self.secret) == value,
                };
                None
            }
        }
    }

    /// The terminal's token: over the chip's public key, with a key of the secret (Doc 9303-11, 4.4.3.4).
    fn token(&self, secret: &[u8]) -> Vec<u8> {
        let key = [Tlv::encode(0x06, &OID), Tlv::encode(0x84, &self.public)].concat();
        let aes = AesCipher::new(KeyLength::S128);
        aes.calculate_cmac(&Tlv::encode(0x7F49, &key), &DeriveKey::cmac128(secret)).unwrap()
    }
}

impl Transceiver for Chip {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransceiveError> {
        if command[1] != 0x86 {
            return Ok(vec![0x90, 0x00]);
        }
        let data = Tlv::decode(&command[5..]).unwrap().value; // Lc has one octet
        let value = if data.is_empty() { vec![] } else { Tlv::decode(&data).unwrap().value };
        Ok(match self.answer(&value) {
            Some(object) => [Tlv::encode(0x7C, &object), vec![0x90, 0x00]].concat(),
            None => vec![0x63, 0x00],
        })
    }
}

fn main() {
    let info = [Tlv::encode(0x06, &OID), Tlv::encode(0x02, &[2]), Tlv::encode(0x02, &[0])].concat();
    let infos = Tlv::encode(0x31, &Tlv::encode(0x30, &info));
    let card_access = EfCardAccess::from_bytes(infos).unwrap();
    let (mut sessions, mut zeros, mut right, mut stripped, mut others) = (0, 0, 0, 0, 0);
    while zeros < 5 {
        let seen = Rc::new(RefCell::new(Seen::default()));
        let mut passport = Passport::new(Chip::new(seen.clone()));
        let _ = passport.start_session_pace(CanKey::new(CAN).unwrap(), &card_access);
        let seen = seen.borrow();
        sessions += 1;
        if seen.zero {
            zeros += 1;
            right += u32::from(seen.token_of_whole);
            stripped += u32::from(seen.token_of_stripped);
        } else {
            others += u32::from(seen.token_of_whole);
        }
    }
    eprintln!("{sessions} sessions, {zeros} with a secret that begins with a zero");
    println!("without a zero: {}", if others == sessions - zeros { "every token is right" } else { "?" });
    println!("with a zero: {right} of {zeros} tokens are right, {stripped} are of the secret without it");
}
RUST
echo "crate dmrtd 0.3.5, $(rustc --version)"
echo "guess: every token is right"
echo "seen:"
cargo run --quiet | tee seen.txt
grep -q '^without a zero: every token is right$' seen.txt
grep -q '^with a zero: 0 of 5 tokens are right, 5 are of the secret without it$' seen.txt
