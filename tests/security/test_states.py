"""A State signs another State's documents: its CSCA is trusted, but not for that."""

import pytest

from emrtd.asn1 import der
from emrtd.pki.findings import Outcome, Shows
from emrtd.pki.trust import TrustSet
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.names import encode_name
from tests.certificates import NOW, Authority, extension, make_certificate
from tests.verify.documents import CSCA, issue, mrz
from verify.judging.judgement import judge
from verify.judging.policy import load_policy
from verify.judging.report import Report, Verdict

_LOCALITY = "2.5.4.7"


def calling_itself(state: str) -> bytes:
    """Return a subject alternative name with the code of a State (Doc 9303-12, 7.1.1.2)."""
    directory = der.tagged(4, encode_name((_LOCALITY, state)))
    return extension(ext.SUBJECT_ALT_NAME, der.sequence(directory))


def judged(country: str, state: str, *others: Certificate) -> Report:
    """Judge a document of a State; its CSCA and signer are of a country and name the State too."""
    authority = Authority(country, f"CSCA {country}", common_name="CSCA of somebody")
    root = make_certificate(
        authority.name,
        authority.name,
        authority.key.public_key,
        authority.key,
        [*authority.extensions(), calling_itself(state)],
    )
    signer = authority.issue("DS 1", more=[calling_itself(state)])
    document = issue(authority=authority, signer=signer, mrz=mrz(issuing_state=state), pace=())
    trust = TrustSet([root, *others], [Crl.parse(authority.crl())])
    return judge(document.evidence(), trust, load_policy("default"), NOW)


def test_an_alternative_name_of_a_state_with_a_known_csca_does_not_count() -> None:
    report = judged("FR", "UTO", CSCA.certificate())
    assert report.check("ds.chain").outcome is Outcome.PASSED
    assert report.check("issuer.consistent").shows is Shows.FORGERY
    assert report.verdict is Verdict.REJECT


@pytest.mark.parametrize(
    ("country", "state", "others"),
    [
        ("CN", "HKG", ()),
        ("CN", "MAC", ()),
        ("ZZ", "UNO", (Authority("UN", "UN", common_name="United Nations").certificate(),)),
        ("XO", "XOM", ()),
    ],
)
def test_states_without_their_own_country_code_are_found_by_alternative_name(
    country: str, state: str, others: tuple[Certificate, ...]
) -> None:
    report = judged(country, state, *others)
    assert report.check("issuer.consistent").outcome is Outcome.PASSED
    assert report.verdict is Verdict.ACCEPT, report.why


@pytest.mark.parametrize(
    ("country", "state", "known", "verdict"),
    [
        ("FR", "HKG", "CN", Verdict.REJECT),
        ("ZZ", "MAC", "CN", Verdict.REJECT),
        ("FR", "UNO", "ZZ", Verdict.REJECT),
        ("FR", "XOM", "XO", Verdict.REFER),  # XOM has no country that could be compared
    ],
)
def test_nor_of_one_that_is_known_by_its_alternative_name(
    country: str, state: str, known: str, verdict: Verdict
) -> None:
    own = Authority(known, f"CSCA {known} itself", common_name="CSCA of its own")
    named = make_certificate(
        own.name, own.name, own.key.public_key, own.key,
        [*own.extensions(), calling_itself(state)],
    )  # fmt: skip
    assert judged(country, state, named).verdict is verdict
    assert judged(country, state, own.certificate()).verdict is Verdict.ACCEPT
