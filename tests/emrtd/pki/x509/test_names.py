from asn1crypto import x509
from hypothesis import given
from hypothesis import strategies as st

from emrtd.asn1 import ber, der
from emrtd.pki.x509.names import COMMON_NAME, COUNTRY, Name, encode_name
from support.errors import MalformedError


def read(octets: bytes) -> Name:
    return Name.read(ber.read(octets, "name"))


def test_a_name_is_shown_as_in_rfc_4514() -> None:
    name = read(encode_name((COUNTRY, "DE"), ("2.5.4.10", 'A, "B" + C'), (COMMON_NAME, "x\ny")))
    assert str(name) == 'CN=x\\0Ay,O=A\\, \\"B\\" \\+ C,C=DE'
    assert name.country == "DE"


def test_a_country_in_lower_case() -> None:
    name = read(encode_name((COUNTRY, "gb")))
    assert (name.country, name.country_as_written) == ("GB", "gb")
    assert read(encode_name((COMMON_NAME, "x"))).country is None


def test_names_match_in_any_order_case_and_string_type() -> None:
    name = read(encode_name((COUNTRY, "DE"), (COMMON_NAME, "Straße")))
    other = read(encode_name((COMMON_NAME, "STRASSE"), (COUNTRY, "de")))
    assert name.matches(other)
    assert name != other
    assert not name.matches(read(encode_name((COUNTRY, "DE"), (COMMON_NAME, "Strase"))))
    assert not name.matches(read(encode_name((COUNTRY, "DE"))))


def test_every_kind_of_string() -> None:
    for tag, encoding in (
        (0x1E, "utf-16-be"),
        (0x14, "latin-1"),
        (0x1C, "utf-32-be"),
        (0x0C, "utf-8"),
    ):
        octets = "Zoë".encode(encoding)
        part = der.sequence(der.oid(COMMON_NAME), bytes((tag, len(octets))) + octets)
        assert read(der.sequence(der.set_of(part))).attributes == ((COMMON_NAME, "Zoë"),)


def test_another_reader_agrees() -> None:
    octets = encode_name((COUNTRY, "UT"), ("2.5.4.11", "Ünit"), (COMMON_NAME, "CSCA"))
    theirs = x509.Name.load(octets)
    assert theirs.native == {
        "country_name": "UT", "organizational_unit_name": "Ünit", "common_name": "CSCA"
    }  # fmt: skip


@given(st.text(max_size=50), st.text(max_size=50))
def test_texts_read_back(first: str, second: str) -> None:
    pairs = ((COMMON_NAME, first), ("2.5.4.10", second))
    try:
        octets = encode_name(*pairs)
    except UnicodeEncodeError:
        return  # a lone surrogate is no text
    assert read(octets).attributes == pairs


@given(st.binary(max_size=200))
def test_any_octets_are_a_name_or_malformed(octets: bytes) -> None:
    for attempt in (octets, der.sequence(octets), der.sequence(der.set_of(octets))):
        try:
            name = read(attempt)
        except MalformedError:
            continue
        assert str(name) is not None
        assert name.matches(name)
