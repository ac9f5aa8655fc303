"""The TLS of both ends, over memory: purposes, suites, and versions (Doc 9303-12, 4.2.2, 8.3.2)."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from emrtd.crypto.key_kinds import generate_private_key
from emrtd.pki.pem import encode_pem
from emrtd.pki.x509.spoc import CURVE, SpocCa, SpocRole
from personalise.spoc.identity import objection
from personalise.spoc.partners import Partners
from personalise.spoc.tls import client_context, server_context
from tests.helpers import replace
from tests.personalise.spoc.states import State

CBC = "ECDHE-ECDSA-AES128-SHA"


def shaken(client: ssl.SSLContext, server: ssl.SSLContext) -> ssl.SSLObject:
    """Return the client's end after a handshake; raises `ssl.SSLError`."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(back, there, server_hostname="localhost"),
        server.wrap_bio(there, back, server_side=True),
    ]
    for _ in range(3):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert ends[1].getpeercert(binary_form=True)
    return ends[0]


def server_of(austria: State, *, standard: bool = False) -> ssl.SSLContext:
    partners = Partners(austria.pki.folder)
    return server_context(austria.pki, [partners.get("UT")], standard=standard)


def client_of(utopia: State) -> ssl.SSLContext:
    return client_context(utopia.pki, Partners(utopia.pki.folder).get("AT"))


def test_the_two_ends_agree_on_the_newest_version(utopia: State, austria: State) -> None:
    assert shaken(client_of(utopia), server_of(austria)).version() == "TLSv1.3"


def limited(change: Callable[[ssl.SSLContext], None], context: ssl.SSLContext) -> ssl.SSLContext:
    change(context)
    return context


def only_cbc(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CBC)


def test_the_suites_of_the_standard(utopia: State, austria: State) -> None:
    """Our client offers them; our server takes them if it is told to."""
    strict = limited(only_cbc, client_of(utopia))
    with pytest.raises(ssl.SSLError):
        shaken(strict, server_of(austria))
    ends = shaken(strict, server_of(austria, standard=True))
    assert ends.cipher() == (CBC, "TLSv1.0", 128)  # the name of its first version
    ends = shaken(client_of(utopia), limited(only_cbc, server_of(austria)))
    assert ends.version() == "TLSv1.2"
    offered = {each["name"] for each in client_of(utopia).get_ciphers()}
    assert {
        "AES128-SHA", "AES256-SHA", "DHE-RSA-AES128-SHA", "DHE-RSA-AES256-SHA",
        "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA",
    } <= offered  # fmt: skip
    for context in (client_of(utopia), server_of(austria, standard=True)):
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_certificate_with_the_standards_purpose_alone_is_registered_by_itself(
    utopia: State, austria: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL refuses it for TLS, unless it is trusted itself (`tls.trusted`)."""
    role = SpocRole.CLIENT
    monkeypatch.setattr(role, "_value_", (role.common_name, role.purposes[:1]))
    ca = SpocCa("UTO", "UT", "State UTO", ("https://x.example/",), utopia.pki.signer("spocca-1"))
    key = generate_private_key(CURVE)
    made = ca.issue(role, key.public_key, "", utopia.at)
    (tmp_path / "own.pem").write_text(made.to_pem())
    (tmp_path / "own.key").write_text(encode_pem(key.to_pkcs8().reveal(), "PRIVATE KEY"))
    client = client_of(utopia)
    client.load_cert_chain(tmp_path / "own.pem", tmp_path / "own.key")
    with pytest.raises(ssl.SSLError):
        shaken(client, server_of(austria))
    partners = Partners(austria.pki.folder)
    policy = partners.get("UT").policy
    partners.add(austria.operations, "UT", policy, pinned={role: made})
    shaken(client, server_of(austria))
    assert objection(made, partners.get("UT"), role, austria.at) is None
    with pytest.raises(ssl.SSLError):  # the other certificate is not the one that is known
        shaken(client_of(utopia), server_of(austria))


def test_certificates_are_looked_at_one_by_one(utopia: State, austria: State) -> None:
    partner = Partners(austria.pki.folder).get("UT")
    own = utopia.certificate()
    assert objection(own, partner, SpocRole.CLIENT, austria.at) is None
    assert "SPOC TLS server" in str(objection(own, partner, SpocRole.SERVER, austria.at))
    without = replace(partner, authorities=())
    assert "no CSCA" in str(objection(own, without, SpocRole.CLIENT, austria.at))
    other = replace(partner, state="XX")
    assert "is of UT, not of XX" in str(objection(own, other, SpocRole.CLIENT, austria.at))
