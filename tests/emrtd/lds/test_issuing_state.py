"""An issuing State made with `emrtd` alone signs what verifies."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from emrtd.crypto.hashes import Hash
from emrtd.lds.issuing_state import IssuingState
from emrtd.lds.security.security_object import SecurityObject
from emrtd.lds.security.sod import Sod
from emrtd.pki.cvc.validation import TrustState
from emrtd.pki.x509.crl import Crl
from support.errors import MisuseError
from tests.vsmartcard.cards import counting

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("key", ["brainpoolP256r1", "secp521r1", "RSA-2048"])
def test_what_a_state_signs_verifies(key: str) -> None:
    state = IssuingState.make(AT, key=key)
    signed = SecurityObject.over({1: b"\x61\x03dg1", 2: b"\x75\x03dg2"}, Hash.SHA256)
    sod = Sod.parse(state.document_signer.sign_security_object(signed, AT))
    crl = Crl.parse(state.crl)
    trust = TrustState.initial([state.chain.cvca], AT.date())
    trust, verifier = trust.validate(state.chain.document_verifier, trust.trust_points[0])
    _, terminal = trust.validate(state.chain.inspection_system, verifier)

    certificate, csca_key = state.document_signer.certificate, state.csca_certificate.public_key
    assert sod.security_object.hashes == signed.hashes
    assert csca_key == state.csca.signer.public_key
    assert certificate.is_signed_by(state.csca_certificate)
    assert crl.issuer == state.csca_certificate.subject
    assert terminal.key.key == state.inspection_system.public_key


def test_the_same_random_makes_the_same_state() -> None:
    first, again = (IssuingState.make(AT, random=counting()) for _ in range(2))
    assert first.csca_certificate.der == again.csca_certificate.der
    assert first.crl == again.crl
    assert first.chain == again.chain


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(MisuseError, match="'QQQ' is not the code of a State"):
        IssuingState.make(AT, "QQQ")


def test_issuing_state_imports_no_application() -> None:
    code = (
        "import sys; import emrtd.lds.issuing_state;"
        "actors = {'personalise', 'verify', 'vsmartcard'};"
        "sys.exit(bool(actors & {each.split('.')[0] for each in sys.modules}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
