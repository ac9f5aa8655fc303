//! What the readers of the table have in common: the protocol of tests/interop/table/reading.py.

use std::error::Error;
use std::ffi::CString;
use std::io::BufRead;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sha2::{Digest, Sha256};

pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// What a reader is told about a card.
pub struct Told {
    pub kind: String,
    pub secrets: Vec<String>,
    pub csca: Vec<u8>,
}

/// The version of a crate, which is pinned.
pub fn pinned(name: &str) -> &'static str {
    include_str!("../Cargo.toml")
        .lines()
        .find(|line| line.starts_with(&format!("{name} =")))
        .and_then(|line| line.split('=').next_back())
        .map_or("", |version| version.trim_end_matches('"'))
}

/// Reads cards until standard input ends: each with `read`, over a new connection.
pub fn serve(name: &str, read: fn(pcsc::Card, &Told) -> Outcome<()>) -> Outcome<()> {
    let reader = CString::new(std::env::args().nth(1).ok_or("READER")?)?;
    let context = pcsc::Context::establish(pcsc::Scope::User)?;
    println!("{name} {}\n", pinned(name));
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut words: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let csca = std::fs::read(words.pop().ok_or("no certificate")?)?;
        let told = Told {
            kind: words.remove(0),
            secrets: words,
            csca,
        };
        let card = context.connect(&reader, pcsc::ShareMode::Shared, pcsc::Protocols::ANY)?;
        let done = catch_unwind(AssertUnwindSafe(|| read(card, &told)));
        match done {
            Ok(Ok(())) => {}
            Ok(Err(error)) => println!("error\t{}", one_line(&error.to_string())),
            Err(_) => println!("error\tended"),
        }
        println!();
    }
    Ok(())
}

pub fn say_file(name: &str, octets: &[u8]) {
    let digest: String = Sha256::digest(octets)
        .iter()
        .map(|each| format!("{each:02x}"))
        .collect();
    println!("file\t{name}\t{digest}");
}

pub fn say_error(what: &str, error: &str) {
    println!("error\t{what}\t{}", one_line(error));
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
