//! The crate dmrtd: PACE if EF.CardAccess has a PACEInfo, or else BAC; the files that EF.COM lists.

use chrono::NaiveDate;
use dmrtd::auth::passive::{self, DataGroup, TrustAnchor};
use dmrtd::com::{TransceiveError, Transceiver};
use dmrtd::lds::ef::ElementaryFile;
use dmrtd::passport::{Passport, PassportError};
use dmrtd::proto::can_key::CanKey;
use dmrtd::proto::dba_key::DBAKey;
use table_readers::{Outcome, Told, say_error, say_file, serve};

struct Reader(pcsc::Card);

impl Transceiver for Reader {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransceiveError> {
        let mut buffer = [0; pcsc::MAX_BUFFER_SIZE_EXTENDED];
        let response = self.0.transmit(command, &mut buffer);
        response
            .map(<[u8]>::to_vec)
            .map_err(|error| TransceiveError::new(error.to_string()))
    }
}

fn main() -> Outcome<()> {
    serve("dmrtd", read)
}

fn read(card: pcsc::Card, told: &Told) -> Outcome<()> {
    let mut passport = Passport::new(Reader(card));
    open(&mut passport, told)?;
    let com = passport.read_ef_com()?;
    say_file("COM", com.to_bytes());
    let sod = passport.read_ef_sod()?;
    say_file("SOD", sod.to_bytes());
    let mut groups: Vec<(u8, Vec<u8>)> = Vec::new();
    for tag in com.dg_tags() {
        let Some(number) = TAGS
            .iter()
            .position(|each| u32::from(*each) == tag.value() as u32)
        else {
            continue;
        };
        let number = number as u8 + 1;
        if number == 3 || number == 4 {
            continue;
        }
        match group(&mut passport, number) {
            Ok(octets) => {
                say_file(&format!("DG{number}"), &octets);
                groups.push((number, octets));
            }
            Err(error) => say_error(&format!("DG{number}"), &error.to_string()),
        }
    }
    let hashed: Vec<DataGroup> = groups
        .iter()
        .map(|(number, bytes)| DataGroup {
            number: *number,
            bytes,
        })
        .collect();
    let verified = TrustAnchor::from_certificate(&told.csca)
        .and_then(|anchor| passive::verify(sod.to_bytes(), &hashed, &[anchor]));
    match verified {
        Ok(result) => println!("genuine\t{}", result.is_authentic()),
        Err(error) => {
            println!("genuine\tfalse");
            say_error("passive authentication", &error.to_string());
        }
    }
    Ok(())
}

const TAGS: [u8; 16] = [
    0x61, 0x75, 0x63, 0x76, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x70,
];

fn open(passport: &mut Passport<Reader>, told: &Told) -> Outcome<()> {
    let dates = |pace| -> Outcome<DBAKey> {
        let date = |text: &str| NaiveDate::parse_from_str(text, "%y%m%d");
        let [number, birth, expiry] = told.secrets.as_slice() else {
            return Err("BAC with a CAN".into());
        };
        Ok(DBAKey::new(number, date(birth)?, date(expiry)?, pace)?)
    };
    let card_access = passport.read_ef_card_access();
    match card_access {
        Ok(infos) if infos.pace_info().is_some() => {
            if told.kind == "can" {
                passport.start_session_pace(CanKey::new(&told.secrets[0])?, &infos)?;
            } else {
                passport.start_session_pace(dates(true)?, &infos)?;
            }
            println!("access\tPACE-GM"); // the only mapping that it has
        }
        _ => {
            passport.start_session(dates(false)?)?;
            println!("access\tBAC");
        }
    }
    Ok(())
}

fn group(passport: &mut Passport<Reader>, number: u8) -> Result<Vec<u8>, PassportError> {
    macro_rules! octets {
        ($read:ident) => {
            passport.$read().map(|file| file.to_bytes().to_vec())
        };
    }
    match number {
        1 => octets!(read_ef_dg1),
        2 => octets!(read_ef_dg2),
        5 => octets!(read_ef_dg5),
        6 => octets!(read_ef_dg6),
        7 => octets!(read_ef_dg7),
        8 => octets!(read_ef_dg8),
        9 => octets!(read_ef_dg9),
        10 => octets!(read_ef_dg10),
        11 => octets!(read_ef_dg11),
        12 => octets!(read_ef_dg12),
        13 => octets!(read_ef_dg13),
        14 => octets!(read_ef_dg14),
        15 => octets!(read_ef_dg15),
        _ => octets!(read_ef_dg16),
    }
}
