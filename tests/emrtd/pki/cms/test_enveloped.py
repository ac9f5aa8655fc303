import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd.crypto.curves import CURVES
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.errors import ProtocolError
from emrtd.pki.cms.enveloped import Recipient, open_envelope, recipients_of, seal
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


@given(st.binary(max_size=200))
def test_any_octets_are_malformed(octets: bytes) -> None:
    with pytest.raises(MalformedError):
        open_envelope(octets, KEY)


def test_each_envelope_has_its_own_keys() -> None:
    assert seal(b"content", KEY.public_key, IDENTIFIER) != seal(
        b"content", KEY.public_key, IDENTIFIER
    )
