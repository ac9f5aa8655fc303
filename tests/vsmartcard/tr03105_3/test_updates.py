"""TR-03105-3.2, units M and N: trust points and dates, which the chip stores."""

from collections.abc import Iterator
from datetime import date

import pytest

from emrtd.crypto.curves import CURVES
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey
from emrtd.lds.cvca import Cvca
from emrtd.pki.cvc.authorization import Role
from tests.emrtd.pki.cvc.cvc_pki import Holder, certify
from tests.vsmartcard.tr03105_3.terminal import (
    CASES,
    CVCA,
    DG3,
    DOMESTIC,
    IS,
    LATER,
    RSA,
    Terminal,
    cvca,
    dv,
    new_chip,
    rsa_key,
    twice,
)


@CASES.case("ISO7816_M_1", "ISO7816_M_2")
@twice
@pytest.mark.parametrize("by", [IS, DOMESTIC])
def test_domestic_certificates_advance_the_date(by: Role, access: str) -> None:
    """A certificate that has expired at the new date is refused."""
    terminal = Terminal(new_chip(), access)
    if by is IS:
        advanced = certify("UTIS00002", IS, dv(), effective=date(2026, 12, 1))
        assert terminal.present(dv(), advanced) == 0x9000
        old = certify("UTIS00003", IS, dv(), expiration=date(2026, 11, 30))
        terminal = terminal.reopened()
        assert terminal.present(dv()) == 0x9000
        assert terminal.present(old) == 0x6300
    else:
        assert terminal.present(certify("UTDV00002", DOMESTIC, cvca(), effective=LATER)) == 0x9000
        assert terminal.reopened().present(dv()) == 0x6300


@CASES.case("ISO7816_M_3", "ISO7816_M_4", "ISO7816_M_6")
@twice
def test_link_certificates_replace_the_trust_points(access: str) -> None:
    """One link certificate, then two at once; EF.CVCA always has 36 octets."""
    second = certify(
        "UTCVCA00002", CVCA, cvca(), effective=date(2028, 6, 1), expiration=date(2031, 6, 1)
    )
    terminal = Terminal(new_chip(), access)
    assert terminal.present(second) == 0x9000
    terminal = terminal.reopened()
    assert terminal.trust_points == ("UTCVCA00002", "UTCVCA00001")
    old_dv = certify("UTDV00003", DOMESTIC, cvca(), expiration=date(2029, 1, 1))
    assert terminal.present(old_dv) == 0x9000  # the first trust point is still valid

    terminal = terminal.reopened()
    advanced = certify(
        "UTDV00004", DOMESTIC, second, effective=date(2029, 2, 1), expiration=date(2030, 1, 1)
    )
    assert terminal.present(advanced) == 0x9000
    terminal = terminal.reopened()
    newer = certify("UTDV00005", DOMESTIC, cvca(), expiration=date(2030, 1, 1))
    assert terminal.present(newer) == 0x6300  # and now it has expired

    third, fourth = (
        certify(f"UTCVCA0000{number}", CVCA, issuer, effective=effective, key=key, expiration=end)
        for number, issuer, effective, key, end in _links(second)
    )
    assert terminal.present(third, fourth) == 0x9000
    assert terminal.present(
        certify("UTDV00006", DOMESTIC, fourth, expiration=date(2035, 1, 1))
    ) == (0x9000)
    terminal = terminal.reopened()
    assert terminal.trust_points == ("UTCVCA00004", "UTCVCA00003")
    content = Cvca(("UTCVCA00004", "UTCVCA00003")).encode()
    assert terminal.require("00B09C0024") == content
    assert len(content) == 36
    assert content.endswith(bytes(36 - 2 * 13))
    assert terminal.send("00B0002401").sw == 0x6B00


def _links(second: Holder) -> Iterator[tuple[int, Holder, date, PrivateKey, date]]:
    """Yield two consecutive link certificates."""
    keys = [EcPrivateKey.generate(CURVES["brainpoolP256r1"]) for _ in range(2)]
    yield 3, second, date(2030, 6, 1), keys[0], date(2033, 6, 1)
    third = certify("UTCVCA00003", CVCA, second, key=keys[0])
    yield 4, third, date(2032, 6, 1), keys[1], date(2035, 6, 1)


@CASES.case("ISO7816_N_1")
@twice
def test_a_link_certificate_can_change_the_algorithm(access: str) -> None:
    """From ECDSA to RSA; the next certificates use RSA."""
    link = certify("UTCVCA00002", CVCA, cvca(), key=rsa_key(0), scheme=RSA)
    verifier = certify("UTDV00002", DOMESTIC, link, key=rsa_key(1), scheme=RSA)
    inspector = certify("UTIS00002", IS, verifier, key=rsa_key(2), scheme=RSA)
    terminal = Terminal(new_chip(), access).authenticate(link, verifier, inspector)
    assert terminal.send(DG3).sw == 0x9000
