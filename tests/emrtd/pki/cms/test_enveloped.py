import io
import secrets

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.asn1 import ber, der
from emrtd.crypto.curves import CURVES
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.errors import ProtocolError
from emrtd.pki.cms.enveloped import Envelope, open_envelope, recipients_of, seal
from emrtd.pki.cms.recipients import Recipient, encrypt_key
from support.errors import MalformedError

KEY = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
IDENTIFIER = bytes(range(20))
CONTENT = b"content of the envelope"
ENVELOPE = seal(CONTENT, KEY.public_key, IDENTIFIER)


@pytest.mark.parametrize("name", ["brainpoolP256r1", "brainpoolP320r1", "secp521r1"])
@pytest.mark.parametrize("content", [b"", b"x" * 100_000], ids=len)
def test_a_sealed_envelope_opens(name: str, content: bytes) -> None:
    key = EcPrivateKey.generate(CURVES[name])
    envelope = seal(content, key.public_key, IDENTIFIER)
    assert open_envelope(envelope, key).reveal() == content
    assert recipients_of(envelope) == [Recipient(IDENTIFIER)]


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(ProtocolError, match="for another key"):
        open_envelope(ENVELOPE, EcPrivateKey.generate(CURVES["brainpoolP256r1"]))
    with pytest.raises(ProtocolError, match="another key"):
        open_envelope(ENVELOPE, EcPrivateKey.generate(CURVES["secp521r1"]))


def with_recipients(*others: bytes, last: bool = False, own: bool = True) -> bytes:
    """Return `ENVELOPE` with further recipients, which no signature or tag covers."""
    kind, content = ber.read(ENVELOPE, "envelope").children
    version, recipients, *rest = content.children[0].children
    infos = [each.encoded for each in recipients.children] if own else []
    every = (*infos, *others) if last else (*others, *infos)
    fields = (version.encoded, tlv.encode(0x31, *every), *(each.encoded for each in rest))
    return der.sequence(kind.encoded, der.tagged(0, der.sequence(*fields)))


RSA = der.sequence(  # KeyTransRecipientInfo
    der.integer(2),
    der.tagged_primitive(0, IDENTIFIER),
    der.sequence(der.oid("1.2.840.113549.1.1.1"), der.null()),
    der.octet_string(bytes(256)),
)
PASSWORD = der.tagged(3, der.integer(0))
X25519 = der.tagged(
    1,
    der.integer(3),
    der.tagged(0, der.tagged(1, der.sequence(der.oid("1.3.101.110")), der.bit_string(bytes(32)))),
    der.sequence(der.oid("1.2.840.113549.1.9.16.3.19"), der.sequence()),
    der.sequence(),
)
STRANGERS = {"RSA": RSA, "password": PASSWORD, "X25519": X25519, "nothing": der.null()}


@pytest.mark.parametrize("last", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
def test_recipients_of_other_kinds_are_left_out(stranger: bytes, last: bool) -> None:
    envelope = with_recipients(stranger, last=last)
    assert open_envelope(envelope, KEY).reveal() == CONTENT
    assert recipients_of(envelope) == [Recipient(IDENTIFIER)]


def test_an_envelope_without_a_recipient_of_ours_is_malformed() -> None:
    with pytest.raises(MalformedError, match="neither a key agreement nor a key transport"):
        open_envelope(with_recipients(PASSWORD, own=False), KEY)
    with pytest.raises(ProtocolError, match="for another key"):
        open_envelope(with_recipients(RSA, PASSWORD, own=False), KEY)
    with pytest.raises(MalformedError, match="names 17 recipients"):
        open_envelope(with_recipients(*[RSA] * 16), KEY)


def test_one_key_agreement_may_be_for_several_keys() -> None:
    info = ber.read(ENVELOPE, "envelope").children[1].children[0].children[1].children[0]
    *fields, keys = info.children
    other = der.sequence(der.tagged(0, der.octet_string(b"other")), der.octet_string(bytes(40)))
    unread = der.sequence(der.null())
    several = der.tagged(
        1,
        *(each.encoded for each in fields),
        der.sequence(unread, other, keys.children[0].encoded),
    )
    envelope = with_recipients(several, own=False)
    assert open_envelope(envelope, KEY).reveal() == CONTENT
    assert recipients_of(envelope) == [Recipient(b"other"), Recipient(IDENTIFIER)]


def streamed(*segments: bytes) -> bytes:
    """Return `ENVELOPE` with indefinite lengths, its content in segments."""

    def indefinite(tag: int, *parts: bytes) -> bytes:
        return bytes((tag, 0x80)) + b"".join(parts) + b"\0\0"

    kind, content = ber.read(ENVELOPE, "envelope").children
    version, recipients, encrypted, tag = content.children[0].children
    inner = [each.encoded for each in encrypted.children[:2]]
    whole = [
        version.encoded,
        recipients.encoded,
        indefinite(0x30, *inner, indefinite(0xA0, *segments)),
        tag.encoded,
    ]
    return indefinite(0x30, kind.encoded, indefinite(0xA0, indefinite(0x30, *whole)))


def test_an_envelope_that_was_written_as_a_stream_opens() -> None:
    content = ber.read(ENVELOPE, "envelope").children[1].children[0].children[2].children[2]
    parts = [der.octet_string(bytes((octet,))) for octet in content.contents]
    assert open_envelope(streamed(*parts), KEY).reveal() == CONTENT
    with pytest.raises(ProtocolError, match="altered"):
        open_envelope(streamed(*reversed(parts)), KEY)
    with pytest.raises(MalformedError):
        open_envelope(streamed(*parts, der.integer(1)), KEY)
    with pytest.raises(MalformedError, match="no end-of-contents"):
        open_envelope(streamed(*parts)[:-2], KEY)


def test_the_values_of_a_stream_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ber.MAX_VALUES <= 1_000_000
    monkeypatch.setattr(ber, "MAX_VALUES", 1_000)
    with pytest.raises(MalformedError, match="more than 1000 values"):
        open_envelope(streamed(b"\x04\x00" * 1_000), KEY)


@settings(max_examples=60)
@given(st.integers(0, len(ENVELOPE) - 1), st.integers(1, 255))
def test_no_altered_octet_changes_what_is_read(position: int, change: int) -> None:
    altered = bytearray(ENVELOPE)
    altered[position] ^= change
    try:
        opened = open_envelope(bytes(altered), KEY)
    except (MalformedError, ProtocolError):
        return
    assert opened.reveal() == CONTENT  # a version number, say, which decides nothing


@settings(max_examples=60)
@given(st.integers(0, 37), st.integers(1, 255))
def test_altered_content_never_opens(back: int, change: int) -> None:
    altered = bytearray(ENVELOPE)
    altered[-1 - back] ^= change
    with pytest.raises((MalformedError, ProtocolError)):
        open_envelope(bytes(altered), KEY)


ATTRIBUTES = der.set_of(
    der.sequence(der.oid("1.2.840.113549.1.9.3"), der.set_of(der.oid("1.2.840.113549.1.7.2"))),
    der.sequence(der.oid("1.2.3.4"), der.set_of(der.null())),
)


def with_attributes(attributes: bytes, *, tag_size: int = 16) -> bytes:
    """Return an envelope whose tag covers `ATTRIBUTES`, with these attributes in it."""
    encryptor = Cipher(algorithms.AES(bytes(24)), modes.GCM(bytes(12))).encryptor()
    encryptor.authenticate_additional_data(ATTRIBUTES)
    encrypted = encryptor.update(CONTENT) + encryptor.finalize()
    size = [] if tag_size == 12 else [der.integer(tag_size)]  # RFC 5084, 3.2: DEFAULT 12
    parameters = der.sequence(der.octet_string(bytes(12)), *size)
    cipher = der.sequence(der.oid("2.16.840.1.101.3.4.1.26"), parameters)
    enveloped = der.sequence(
        der.integer(0),
        der.tagged(0, der.set_of()),  # originatorInfo
        der.set_of(encrypt_key(bytes(24), KEY.public_key, IDENTIFIER, secrets.token_bytes)),
        der.sequence(der.oid("1.2.840.113549.1.7.2"), cipher, der.tagged_primitive(0, encrypted)),
        b"\xa1" + attributes[1:],
        der.octet_string(encryptor.tag[:tag_size]),
        b"\xa2" + ATTRIBUTES[1:],  # not authenticated
    )
    return der.sequence(der.oid("1.2.840.113549.1.9.16.1.23"), der.tagged(0, enveloped))


@pytest.mark.parametrize("tag_size", [12, 16])
def test_authenticated_attributes_are_authenticated(tag_size: int) -> None:
    """RFC 5083, 2.2."""
    envelope = with_attributes(ATTRIBUTES, tag_size=tag_size)
    assert open_envelope(envelope, KEY).reveal() == CONTENT
    assert Envelope.read(io.BytesIO(envelope)).content_type == "1.2.840.113549.1.7.2"
    for others in (der.set_of(), ATTRIBUTES.replace(der.null(), der.set_of())):
        with pytest.raises(ProtocolError, match="altered"):
            open_envelope(with_attributes(others, tag_size=tag_size), KEY)
    with pytest.raises(MalformedError, match="of a size that is not read"):
        open_envelope(with_attributes(ATTRIBUTES, tag_size=11), KEY)


@given(st.binary(max_size=200))
def test_any_octets_are_malformed(octets: bytes) -> None:
    with pytest.raises(MalformedError):
        open_envelope(octets, KEY)


def test_each_envelope_has_its_own_keys() -> None:
    assert seal(b"content", KEY.public_key, IDENTIFIER) != seal(
        b"content", KEY.public_key, IDENTIFIER
    )
