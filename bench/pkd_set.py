"""Make a set of the size and with the faults of the ICAO PKD, as LDIF in its three collections.

`python -m bench.pkd_set FOLDER [SIGNERS]` writes it.  Collection 1 has Document Signers and CRLs, 2
has Master Lists, 3 has Document Signers that do not conform.  The figures are those that others
measured on 2026-03-03: 30,008 Document Signers and 69 CRLs, 27 lists, 502 signers that do not
conform, of 95 States.  Keys repeat: RSA keys take long to make.

`faults.json` names what was planted: the serial number of each such certificate, and the fault.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from random import Random
from string import ascii_uppercase
from typing import IO, Self

from emrtd.asn1 import der
from emrtd.crypto.hashes import Hash
from emrtd.crypto.key_kinds import generate_private_key
from emrtd.crypto.private_keys import PrivateKey
from emrtd.crypto.public_keys import encode_public_key
from emrtd.crypto.signatures import RsaPublicKey, SignatureFamily, SignatureScheme
from emrtd.mrz.countries import has_mrz_code
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.lists.ldif import PkdAttribute, write_ldif
from emrtd.pki.lists.master_list import ID_MASTER_LIST
from emrtd.pki.x509 import extension_writer as writer
from emrtd.pki.x509.algorithms import encode_scheme, scheme_for
from emrtd.pki.x509.certificate_writer import key_identifier
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.extensions import MASTER_LIST_SIGNER, KeyUsage
from emrtd.pki.x509.names import COMMON_NAME, COUNTRY, ORGANISATION, encode_name

NAME = "pkd_set"
MADE = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
KEY_IS_USED = 1_100 * DAY

STATES, CSCAS, LISTS, CRLS, SIGNERS, NON_CONFORMANT = 95, 540, 27, 69, 30_008, 502

CSCA_KEYS = (
    "RSA-3072",
    "brainpoolP384r1",
    "RSA-3072",
    "secp384r1",
    "brainpoolP256r1",
    "secp256r1",
    "secp521r1",
)
SIGNER_KEYS = (
    "secp256r1",
    "brainpoolP256r1",
    "RSA-2048",
    "secp256r1",
    "secp384r1",
    "brainpoolP384r1",
)
KEYS_OF_A_KIND = 4


class Fault(StrEnum):
    """What is wrong with a planted certificate."""

    NO_CSCA = "of a State without a CSCA in any list"
    OTHER_KEY = "signed by a key of the CSCA that no list has"
    WRONG_SIGNATURE = "a changed octet in its signature"
    CRITICAL = "an unknown critical extension"
    UNREADABLE = "cut short"
    SERIAL = "a serial number that is not positive"
    NO_KEY_USAGE = "no key usage"
    NO_AUTHORITY_KEY = "no authority key identifier"
    ISSUER_NAME = "the issuer's name in another case"


BREAKING = (Fault.NO_CSCA, Fault.OTHER_KEY, Fault.WRONG_SIGNATURE, Fault.CRITICAL, Fault.UNREADABLE)
"""The faults because of which no chain can be found."""


@cache
def key(kind: str, number: int) -> PrivateKey:  # noqa: ARG001 - the number distinguishes keys
    return generate_private_key(kind)


@dataclass
class State:
    """A State: its CSCA keys with their names, the newest last, and its certificates.

    Each key is used from its instant in `begins`.
    """

    country: str
    keys: list[tuple[PrivateKey, bytes]]
    begins: list[datetime]
    certificates: list[bytes] = field(default_factory=list)

    @property
    def scheme(self) -> SignatureScheme:
        return scheme_of(self.keys[-1][0])


@dataclass
class PkdSet:
    """What was made: how many of each kind, and the planted faults by serial number."""

    signers: int = 0
    cscas: int = 0
    lists: int = 0
    crls: int = 0
    faults: dict[int, Fault] = field(default_factory=dict)


def scheme_of(signing: PrivateKey, *, pss: bool = False) -> SignatureScheme:
    if pss and isinstance(signing.public_key, RsaPublicKey):
        return SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA256, salt_length=32)
    return scheme_for(signing.public_key, Hash.SHA256)


def make_pkd(folder: Path, signers: int = SIGNERS, seed: int = 9303) -> PkdSet:
    """Write the three collections, in proportion if there are fewer signers than in the PKD."""
    share = signers / SIGNERS
    states_number = max(8, round(STATES * min(1, share * 8)))
    chance, made = Random(seed), PkdSet()  # noqa: S311
    states = list(make_states(states_number, max(3 * states_number, round(CSCAS * share)), chance))
    made.cscas = sum(len(each.certificates) for each in states)
    folder.mkdir(parents=True, exist_ok=True)
    with Collection(folder / "icaopkd-002-complete.ldif") as second:
        for number, octets in enumerate(lists_of(states, max(3, round(LISTS * share)), chance)):
            second.add(f"cn=CSCAMasterList{number},o=ml,c={states[number].country}",
                       PkdAttribute.MASTER_LIST, octets)  # fmt: skip
            made.lists += 1
    serials = iter(range(1_000, 10_000_000))
    with (
        Collection(folder / "icaopkd-001-complete.ldif") as first,
        Collection(folder / "icaopkd-003-complete.ldif") as third,
    ):
        for state in states[: max(3, round(CRLS * min(1, share * 8)))]:
            first.add(f"o=crl,c={state.country}", PkdAttribute.CRL, crl_of(state))
            made.crls += 1
        usual = islice(zip(weighted(states, chance), serials, strict=False), signers)
        for number, (state, serial) in enumerate(usual):
            fault = (
                Fault.NO_AUTHORITY_KEY if number % 4 == 0 else
                Fault.ISSUER_NAME if number % 97 == 0 else None
            )  # fmt: skip
            octets = signer_of(state, serial, fault, pss=number % 10 == 0)
            first.add(f"sn={serial},o=dsc,c={state.country}", PkdAttribute.CERTIFICATE, octets)
            made.signers += 1
            if fault is not None:
                made.faults[serial] = fault
        planted = (*BREAKING, Fault.SERIAL, Fault.NO_KEY_USAGE)
        for fault, state, serial in islice(
            zip(cycle(planted), weighted(states, chance), serials, strict=False),
            max(3 * len(planted), round(NON_CONFORMANT * share)),
        ):
            number = -serial if fault is Fault.SERIAL else serial
            octets = signer_of(state, number, fault)
            third.add(f"sn={serial},o=dsc,c={state.country}", PkdAttribute.CERTIFICATE, octets)
            made.signers += 1
            made.faults[number] = fault
    (folder / "faults.json").write_text(json.dumps(made.faults, indent=1))
    return made


class Collection:
    """An LDIF file that is being written."""

    def __init__(self, path: Path) -> None:
        self._stream: IO[str] = path.open("w", encoding="ascii")
        self._stream.write("version: 1\n\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def add(self, name: str, attribute: PkdAttribute, octets: bytes) -> None:
        entries = write_ldif([(name, attribute, octets)])
        next(entries)  # the version, which __init__ wrote
        self._stream.writelines(entries)


def make_states(number: int, cscas: int, chance: Random) -> Iterator[State]:
    """Yield States with so many CSCA and link certificates altogether; some change their names."""
    codes = [a + b for a in ascii_uppercase for b in ascii_uppercase if has_mrz_code(a + b)]
    kinds = cycle(CSCA_KEYS)
    left = cscas
    for place, country in enumerate(chance.sample(codes, number)):
        roots = max(1, round(left / (number - place) / 2 + 0.5))
        kind = next(kinds)
        keys = []
        for count in range(roots):
            changes = place % 7 == 3 and count
            common = f"CSCA {country} {count}" if changes else f"CSCA {country}"
            which = count % 2 if kind.startswith("RSA") else count  # RSA keys take long to make
            keys.append((key(kind, place * 9 + which), name_of(country, common)))
        begins = [MADE - (roots - count) * KEY_IS_USED for count in range(roots)]
        state = State(country, keys, begins)
        for count, (own, subject) in enumerate(keys):
            explicit = (place + count) % 5 == 0
            state.certificates.append(
                csca(own, subject, own, subject, count + 1, begins[count], explicit=explicit)
            )
            if count:
                older, issuer = keys[count - 1]
                state.certificates.append(
                    csca(older, issuer, own, subject, 100 + count, begins[count], explicit=explicit)
                )
        left -= len(state.certificates)
        yield state


def name_of(country: str, common: str) -> bytes:
    return encode_name(
        (COUNTRY, country), (ORGANISATION, f"State {country}"), (COMMON_NAME, common)
    )


def csca(  # noqa: PLR0917
    signing: PrivateKey,
    issuer: bytes,
    own: PrivateKey,
    subject: bytes,
    serial: int,
    begins: datetime,
    *,
    explicit: bool,
) -> bytes:
    extensions = (
        writer.authority_key_identifier(key_identifier(signing.public_key)),
        writer.subject_key_identifier(key_identifier(own.public_key)),
        writer.key_usage((KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN)),
        writer.basic_constraints(),
    )
    return certificate(
        signing, issuer, own, subject, serial, extensions, begins=begins, explicit=explicit
    )


def certificate(  # noqa: PLR0917
    signing: PrivateKey,
    issuer: bytes,
    own: PrivateKey,
    subject: bytes,
    serial: int,
    extensions: Sequence[bytes],
    *,
    begins: datetime = MADE - 400 * DAY,
    explicit: bool = False,
    pss: bool = False,
) -> bytes:
    scheme = scheme_of(signing, pss=pss)
    algorithm = encode_scheme(scheme)
    body = der.sequence(
        der.tagged(0, der.integer(2)),
        der.integer(serial),
        algorithm,
        issuer,
        der.sequence(der.time(begins), der.time(begins + 5_500 * DAY)),
        subject,
        encode_public_key(own.public_key, explicit=explicit),
        der.tagged(3, der.sequence(*extensions)),
    )
    return der.sequence(body, algorithm, der.bit_string(signing.sign(scheme, body)))


def signer_of(state: State, serial: int, fault: Fault | None, *, pss: bool = False) -> bytes:
    """Return the certificate of a Document Signer, with a fault or none."""
    country = state.country
    place = abs(serial) % len(state.keys)
    signing, issuer = state.keys[place]
    if fault is Fault.NO_CSCA:
        country, signing = "ZZ", key("secp256r1", -1)
        issuer = name_of(country, "CSCA ZZ")
    if fault is Fault.OTHER_KEY:
        signing = key("secp256r1", -2)
    if fault is Fault.ISSUER_NAME:
        issuer = issuer.replace(b"State ", b"STATE ")
    kind = SIGNER_KEYS[serial % len(SIGNER_KEYS)]
    own = key(kind, abs(serial) % (KEYS_OF_A_KIND if kind[:3] == "RSA" else 400))
    extensions = [
        writer.authority_key_identifier(key_identifier(signing.public_key)),
        writer.subject_key_identifier(key_identifier(own.public_key)),
        writer.key_usage((KeyUsage.DIGITAL_SIGNATURE,)),
        writer.document_types(("P", "I")),
    ]
    if fault is Fault.NO_AUTHORITY_KEY:
        del extensions[0]
    if fault is Fault.NO_KEY_USAGE:
        del extensions[2]
    if fault is Fault.CRITICAL:
        unknown = (der.oid("1.3.6.1.4.1.99999.1"), der.boolean(value=True), der.octet_string(b""))
        extensions.append(der.sequence(*unknown))
    subject = name_of(country, f"Document Signer {serial}")
    begins = state.begins[place] + abs(serial) % 900 * DAY
    octets = certificate(signing, issuer, own, subject, serial, extensions, begins=begins, pss=pss)
    if fault is Fault.WRONG_SIGNATURE:
        return octets[:-1] + bytes((octets[-1] ^ 1,))
    return octets[: len(octets) // 2] if fault is Fault.UNREADABLE else octets


def crl_of(state: State) -> bytes:
    signing, issuer = state.keys[-1]
    algorithm = encode_scheme(state.scheme)
    entries = [
        der.sequence(der.integer(each), der.time(MADE)) for each in range(9_000_000, 9_000_020)
    ]
    body = der.sequence(
        der.integer(1),
        algorithm,
        issuer,
        der.time(MADE - DAY),
        der.time(MADE + 90 * DAY),
        der.sequence(*entries),
        der.tagged(
            0,
            der.sequence(
                writer.authority_key_identifier(key_identifier(signing.public_key)),
                writer.crl_number(7),
            ),
        ),
    )
    return der.sequence(body, algorithm, der.bit_string(signing.sign(state.scheme, body)))


def lists_of(states: Sequence[State], number: int, chance: Random) -> Iterator[bytes]:
    """Yield Master Lists; the first has every State's certificates, the others some."""
    for place, state in enumerate(states[:number]):
        chosen = [state, *(states if place == 0 else chance.sample(states, len(states) // 2))]
        listed = dict.fromkeys(each for one in chosen for each in one.certificates)
        signing, issuer = state.keys[-1]
        own = key("secp256r1", 10_000 + place)
        extensions = (
            writer.authority_key_identifier(key_identifier(signing.public_key)),
            writer.subject_key_identifier(key_identifier(own.public_key)),
            writer.key_usage((KeyUsage.DIGITAL_SIGNATURE,)),
            writer.extended_key_usage(MASTER_LIST_SIGNER),
        )
        subject = name_of(state.country, "Master List Signer")
        signer = Certificate.parse(certificate(signing, issuer, own, subject, 500, extensions))
        content = der.sequence(der.integer(0), der.set_of(*listed))
        yield build_signed_data(ID_MASTER_LIST, content, own, signer, Hash.SHA256, MADE - DAY)


def weighted(states: Sequence[State], chance: Random) -> Iterator[State]:
    """Yield States for ever: some have a hundred times the signers of others."""
    weights = [1 / (place + 2) for place in range(len(states))]
    while True:
        yield from chance.choices(states, weights, k=1_000)


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 2:
        print(__doc__)
        return 64
    made = make_pkd(Path(arguments[0]), *map(int, arguments[1:]))
    print(f"{made.signers} Document Signers, {made.cscas} CSCA and link certificates,"
          f" {made.lists} Master Lists, {made.crls} CRLs")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
