//! Reads the card in a PC/SC reader with dmrtd and prints tab-separated pairs, one a line.
//!
//! Usage: dmrtd-reader READER WAY CSCA CHALLENGE, with the password on standard input: a CAN, or the
//! document number, date of birth and date of expiry on three lines.  WAY is "bac", "mrz" or "can",
//! the latter two with PACE.  CSCA is the trusted certificate (DER); CHALLENGE is the eight
//! octets of Active Authentication in hexadecimal.

use std::error::Error;
use std::ffi::CString;

use chrono::NaiveDate;
use dmrtd::auth::passive::{self, DataGroup, TrustAnchor};
use dmrtd::com::{TransceiveError, Transceiver};
use dmrtd::lds::ef::ElementaryFile;
use dmrtd::passport::Passport;
use dmrtd::proto::can_key::CanKey;
use dmrtd::proto::dba_key::DBAKey;

type Outcome<T> = Result<T, Box<dyn Error>>;

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
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [reader, way, csca, challenge] = arguments.as_slice() else {
        return Err("READER WAY CSCA CHALLENGE".into());
    };
    let context = pcsc::Context::establish(pcsc::Scope::User)?;
    let name = CString::new(reader.as_str())?;
    let card = context.connect(&name, pcsc::ShareMode::Shared, pcsc::Protocols::ANY)?;
    let mut passport = Passport::new(Reader(card));
    open(&mut passport, way)?;
    read(&mut passport, &std::fs::read(csca)?, &octets(challenge)?)
}

fn open(passport: &mut Passport<Reader>, way: &str) -> Outcome<()> {
    let password = std::io::read_to_string(std::io::stdin())?;
    let lines: Vec<&str> = password.lines().collect();
    let of_the_mrz = |pace| -> Outcome<DBAKey> {
        Ok(DBAKey::new(
            lines[0],
            date(lines[1])?,
            date(lines[2])?,
            pace,
        )?)
    };
    if way == "bac" {
        passport.start_session(of_the_mrz(false)?)?;
        println!("access\tBAC");
        return Ok(());
    }
    let card_access = passport.read_ef_card_access()?;
    say_file("CARD_ACCESS", &card_access);
    let info = card_access.pace_info().ok_or("no PACEInfo")?;
    let identifier = &info.protocol.oie.identifier_string;
    let number = info.parameter_id.ok_or("no parameter identifier")?;
    if way == "can" {
        passport.start_session_pace(CanKey::new(lines[0])?, &card_access)?;
    } else {
        passport.start_session_pace(of_the_mrz(true)?, &card_access)?;
    }
    println!("access\t{identifier} {number}");
    Ok(())
}

fn read(passport: &mut Passport<Reader>, csca: &[u8], challenge: &[u8]) -> Outcome<()> {
    let com = passport.read_ef_com()?;
    say_file("COM", &com);
    println!("lds-version\t{}", com.version());
    let sod = passport.read_ef_sod()?;
    say_file("SOD", &sod);
    let mut groups: Vec<(u8, Vec<u8>)> = Vec::new();
    for tag in com.dg_tags() {
        let (number, content) = match tag.value() {
            0x61 => {
                let dg1 = passport.read_ef_dg1()?;
                println!("mrz\t{}", String::from_utf8(dg1.mrz().to_bytes().to_vec())?);
                println!("document-number\t{}", dg1.mrz().document_number());
                (1, say_file("DG1", &dg1))
            }
            0x75 => {
                let dg2 = passport.read_ef_dg2()?;
                println!(
                    "face\t{}",
                    hexadecimal(dg2.image_data.as_ref().ok_or("no face")?)
                );
                (2, say_file("DG2", &dg2))
            }
            0x63 => match passport.read_ef_dg3() {
                Ok(dg3) => (3, say_file("DG3", &dg3)),
                Err(error) => {
                    println!("fingers-refused\t{}", error.code.ok_or(error.message)?);
                    continue;
                }
            },
            0x6B => {
                let dg11 = passport.read_ef_dg11()?;
                println!("name\t{}", dg11.name_of_holder.as_ref().ok_or("no name")?);
                (11, say_file("DG11", &dg11))
            }
            0x6C => {
                let dg12 = passport.read_ef_dg12()?;
                println!(
                    "authority\t{}",
                    dg12.issuing_authority.as_ref().ok_or("no authority")?
                );
                (12, say_file("DG12", &dg12))
            }
            0x6D => (13, say_file("DG13", &passport.read_ef_dg13()?)),
            0x6E => (14, say_file("DG14", &passport.read_ef_dg14()?)),
            0x6F => {
                passport.verify_active_authentication(challenge)?;
                println!("active-authentication\ttrue");
                (15, say_file("DG15", &passport.read_ef_dg15()?))
            }
            other => return Err(format!("no data group has the tag {other:X}").into()),
        };
        groups.push((number, content));
    }
    let hashed: Vec<DataGroup> = groups
        .iter()
        .map(|(number, bytes)| DataGroup {
            number: *number,
            bytes,
        })
        .collect();
    let anchor = TrustAnchor::from_certificate(csca)?;
    match passive::verify(sod.to_bytes(), &hashed, &[anchor]) {
        Ok(result) => {
            let names = result
                .verified_groups
                .iter()
                .map(|number| format!(" DG{number}"));
            println!(
                "passive-authentication\t{}{}",
                result.is_authentic(),
                names.collect::<String>()
            );
        }
        Err(error) => println!("passive-authentication\t{error}"),
    }
    Ok(())
}

fn say_file<File: ElementaryFile>(name: &str, file: &File) -> Vec<u8> {
    println!("file\t{name} {}", hexadecimal(file.to_bytes()));
    file.to_bytes().to_vec()
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn octets(hexadecimal: &str) -> Outcome<Vec<u8>> {
    let pairs = (0..hexadecimal.len()).step_by(2);
    Ok(pairs
        .map(|at| u8::from_str_radix(&hexadecimal[at..at + 2], 16))
        .collect::<Result<_, _>>()?)
}

fn date(of_the_mrz: &str) -> Outcome<NaiveDate> {
    Ok(NaiveDate::parse_from_str(of_the_mrz, "%y%m%d")?)
}
