//! The crate emrtd: BAC, and the files that EF.COM lists, as in its documentation.
//!
//! Its passive authentication is left out: with the feature `passive_auth` it cannot be compiled.

use emrtd::{EmrtdComms, other_mrz};
use table_readers::{Outcome, Told, say_error, say_file, serve};

fn main() -> Outcome<()> {
    serve("emrtd", read)
}

fn read(card: pcsc::Card, told: &Told) -> Outcome<()> {
    let [number, birth, expiry] = told.secrets.as_slice() else {
        return Err("it takes no CAN".into());
    };
    let mut chip = EmrtdComms::new(card);
    chip.select_emrtd_application()?;
    chip.establish_bac_session_keys(other_mrz(number, birth, expiry)?.as_bytes())?;
    println!("access\tBAC");
    chip.select_ef(b"\x01\x1E", "EF.COM", true)?;
    let com = chip.read_data_from_ef(true)?;
    say_file("COM", &com);
    chip.select_ef(b"\x01\x1D", "EF.SOD", true)?;
    let sod = chip.read_data_from_ef(true)?;
    say_file("SOD", &sod);
    for number in listed(&com) {
        let name = format!("DG{number}");
        let result = chip
            .select_ef(&[1, number], &name, true)
            .and_then(|()| chip.read_data_from_ef(true));
        match result {
            Ok(octets) => say_file(&name, &octets),
            Err(error) => say_error(&name, &error.to_string()),
        }
    }
    Ok(())
}

/// The numbers of the data groups that EF.COM lists, which may be read without a certificate.
fn listed(com: &[u8]) -> Vec<u8> {
    const TAGS: [u8; 16] = [
        0x61, 0x75, 0x63, 0x76, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F,
        0x70,
    ];
    let start = com
        .iter()
        .position(|each| *each == 0x5C)
        .map_or(com.len(), |at| at + 2);
    com[start..]
        .iter()
        .filter_map(|tag| TAGS.iter().position(|each| each == tag))
        .map(|at| at as u8 + 1)
        .filter(|number| *number != 3 && *number != 4)
        .collect()
}
