"""Every parser that meets a stranger's octets: whatever they are, it decodes or is malformed.

The seeds are real ones where there are any (the shared data, and what our own builders make), each
changed, cut and lengthened in many ways; and octets of no kind at all.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.access.chip_keys import ChipKeys
from emrtd.access.terminal_authentication import read_auxiliary_data
from emrtd.asn1 import ber
from emrtd.biometrics.images.headers import sniff
from emrtd.biometrics.images.wsq_rate import shrink
from emrtd.crypto.curves import CURVES
from emrtd.crypto.domain_parameters import decode_agreement_key, decode_domain_parameters
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.crypto.public_keys import decode_public_key, encode_public_key
from emrtd.errors import EmrtdError, MalformedError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.lds.files import FileID
from emrtd.lds.registry import CODECS
from emrtd.lds.security_infos import SecurityInfos
from emrtd.mrz import Mrz
from emrtd.pki.certificates import Certificate
from emrtd.pki.crl import Crl
from emrtd.pki.cvc import CvCertificate
from emrtd.pki.cvc_requests import CvRequest
from emrtd.pki.cvc_validation import TrustState
from emrtd.pki.defect_list import DefectList
from emrtd.pki.deviation_list import DeviationList
from emrtd.pki.enveloped import recipients_of, seal
from emrtd.pki.ldif import read_ldif
from emrtd.pki.master_list import MasterList
from emrtd.pki.signed_data import SignedData
from personalise.pki.country_signing_ca import CountrySigningCa, settings_for

_SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
_AT = datetime(2026, 11, 22, tzinfo=UTC)


PARSERS: dict[str, Callable[[bytes], object]] = {
    **{file_id.value: codec for file_id, codec in CODECS.items()},
    "BER-TLV": lambda octets: tlv.read_all(octets, "octets"),
    "BER": lambda octets: ber.is_der(ber.read(ber.definite(octets, "octets"), "octets")),
    "command APDU": CommandAPDU.decode,
    "response APDU": ResponseAPDU.decode,
    "MRZ": lambda octets: Mrz.parse(octets.decode("latin-1")),
    "SecurityInfos": SecurityInfos.decode,
    "certificate": Certificate.parse,
    "CRL": Crl.parse,
    "SignedData": SignedData.parse,
    "master list": MasterList.parse,
    "deviation list": DeviationList.parse,
    "defect list": DefectList.parse,
    "LDIF": lambda octets: list(read_ldif(octets.splitlines(keepends=True))),
    "CV certificate": CvCertificate.decode,
    "CV request": CvRequest.decode,
    "trust state": TrustState.decode,
    "chip keys": ChipKeys.decode,
    "auxiliary data": read_auxiliary_data,
    "envelope": recipients_of,
    "public key": decode_public_key,
    "agreement key": decode_agreement_key,
    "domain parameters": decode_domain_parameters,
    "image": sniff,
    "WSQ": lambda octets: shrink(octets, 4096),
}


@cache
def seeds() -> tuple[bytes, ...]:
    """Octets that parsers like: all are given to all of them."""
    key = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
    csca = CountrySigningCa(settings_for("UTO", "Utopia"), key)
    made = [
        csca.issue_root(_AT).der,
        csca.issue_crl(1, _AT),
        encode_public_key(key.public_key),
        seal(b"content", key.public_key, bytes(20)),
        ChipKeys(basic_access_control=True).encode(),
        b"I<UTOD231458907<<<<<<<<<<<<<<<7408122F1204159UTO<<<<<<<<<<<6ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
        b"dn: o=CSCA,c=UT\ncn: x\nuserCertificate;binary:: MAA=\n\n",
        bytes.fromhex("4703B08100 7F66080202800002028000".replace(" ", "")),
        b"",
    ]
    for folder in ("lds/bsi2008", "cvc/orig", "card", "iso39794"):
        paths = sorted((_SHARED / folder).glob("*"))
        made.extend(path.read_bytes() for path in paths if path.stat().st_size < 40_000)
    return tuple(made)


@st.composite
def octets(draw: st.DrawFn) -> bytes:
    """A seed with some of its octets changed, cut off, or with others put in."""
    chosen = bytearray(draw(st.sampled_from(seeds())))
    near = st.integers(0, 200) | st.integers(0, max(len(chosen), 1))
    for position, value in draw(st.lists(st.tuples(near, st.integers(0, 255)), max_size=4)):
        if position < len(chosen):
            chosen[position] = value
    cut = draw(st.none() | st.integers(0, len(chosen)))
    extra = draw(st.just(b"") | st.binary(max_size=8))
    return bytes(chosen[:cut]) + extra


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(octets(), st.binary(max_size=400)))
def test_any_octets_decode_or_are_malformed(name: str, octets: bytes) -> None:
    refused = _refusal(name, octets)
    if refused is not None:
        assert "\n" not in str(refused)
        assert isinstance(refused, MalformedError) or name in _WITH_JUDGEMENT


def _refusal(name: str, octets: bytes) -> EmrtdError | None:
    try:
        PARSERS[name](octets)
    except EmrtdError as error:
        return error
    return None


_WITH_JUDGEMENT = {"WSQ", "MRZ", "agreement key", "domain parameters", "public key", "envelope"}
"""Parsers that also judge what they read, and may refuse it for what it is."""


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize(
    "bomb",
    [
        b"\x30\x80" * 50_000,
        b"\x30\x84\x7f\xff\xff\xff" * 20_000,
        b"\x00" * 200_000,
        b"\x31\x82\xff\xff" + b"\x02\x01\x00" * 60_000,
        b"\xff\xa0\xff\xa4" * 50_000,
        b"A" * 200_000,
        b"dn: x\n" * 30_000,
    ],
    ids=["indefinite", "lengths", "zeros", "many", "markers", "letters", "lines"],
)
def test_hostile_octets_take_little_time(name: str, bomb: bytes) -> None:
    began = time.process_time()
    _refusal(name, bomb)
    assert time.process_time() - began < 2


def test_every_file_has_its_parser_here() -> None:
    assert {file_id.value for file_id in FileID} <= set(PARSERS)
