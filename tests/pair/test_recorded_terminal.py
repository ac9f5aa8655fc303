"""A session of another terminal with a blank card, recorded.

yubikey-manager 5.9.2 (`yubikit.securitydomain`) drove the security domain of a blank of the kind
`globalplatform`: SCP03 with the published test key at level 33, GET DATA, PUT KEY, and SCP03 with
the new keys.  It verified every R-MAC.  It sends extended lengths, and encrypts a data field
even if it is empty; the challenges are pseudo-random, so that the card answers the same again.
"""

from tests.pair.station_cards import sample_blank
from vsmartcard.chip.security_domain import BlankKind

EXCHANGES = (
    (
        "00a4040008a000000151000000",
        "9000",
    ),
    (
        "805030000000080001020304050607",
        "000038b4e652e44da7f230037086c8bd65fa1044ee7ced45f4c595bc4b0000019000",
    ),
    (
        "84823300000010dd233ef86835d80375a84d484151dd26",
        "9000",
    ),
    (
        "04ca004500001802039d6659f318ac4f4b1389c1dbf5e22bcfceb8ff515f75",
        "85de026883cca4ee068fbfbf234ef6f1f4cfbcbd90a873ab9000",
    ),
    (
        "04ca9f7f00001865ff28a4a2fe1345f9cd1abdf639966ea597dfa38d9808c3",
        (
            "942ee6980ca285cbf9cf118db4c9e0c2dddb6224e347d13d655b7609cca5804fae3b1c9a015ecf86"
            "53ba73c79d518e9f9de12b5ef24a78ee9000"
        ),
    ),
    (
        (
            "84d8308100005812d3f526579b23da1776bfc2a59cb9827aefd8b0758429bcc311556f16b37c69b5"
            "dc933d3260110b387624f40b62dbbfd67079e923c09d2d74b00914bc111605d76214a85677e3cd7f"
            "7d7c33f4af852985f985a8e35e7f60"
        ),
        "57d4ce2a5afe88c7242e46c16c105dfadfc698f74622c4569000",
    ),
    (
        "00a4040008a000000151000000",
        "9000",
    ),
    (
        "805031000000080001020304050607",
        "000038b4e652e44da7f2310370b1e15634c09b877ffa8480c1d42240c60000019000",
    ),
    (
        "8482330000001063819c2eea8e33e2c8f947b23eb84081",
        "9000",
    ),
    (
        "04ca00e00000180fc3dc2d242ef426e67d484d01dc7241361d74ace11725fc",
        "644b8361bb9049e8994a8f456cc3de9ac2c9fab46b98f2c926f34db7f16f9df0894553106500e1119000",
    ),
)


def test_a_card_answers_another_terminal_as_recorded() -> None:
    chip = sample_blank(BlankKind.GLOBALPLATFORM)
    for command, response in EXCHANGES:
        assert chip.process(bytes.fromhex(command)).hex() == response
    domain = chip.state.security_domain
    assert domain is not None
    assert domain.key_version == 0x31
    assert [key.reveal() for key in domain.keys.in_order] == [
        bytes(range(start, start + 16)) for start in (0, 16, 32)
    ]
    assert domain.failures == 0
