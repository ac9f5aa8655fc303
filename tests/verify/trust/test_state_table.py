"""What a store has of each State, what is missing, and who publishes it."""

import json
from datetime import timedelta

import pytest

from emrtd.mrz.countries import has_mrz_code
from support.command_line import run_command_line
from tests.certificates import DAY, NOW, Authority, extension
from tests.emrtd.pki.test_revocation import NAMED, newer
from tests.verify.trust.stores import CSCA, ELSEWHERE, add, ldif
from tests.verify.trust.test_crls import STRANGE
from verify.commands.main import verify
from verify.trust.states import StateTrust, public_sources, states_of
from verify.trust.store import TrustStore


def state(store: TrustStore, country: str, days: int = 0) -> StateTrust:
    found = states_of(store, NOW + timedelta(days=days), wanted=[country])
    return next(each for each in found if each.country == country)


def test_a_state_that_is_whole_has_no_problem(store: TrustStore) -> None:
    new = CSCA.renewed("CSCA 2")
    add(store, CSCA.certificate().der, CSCA.link(new).der, CSCA.crl(), CSCA.issue().der)
    found = state(store, "UT")
    assert (found.cscas, found.links, found.signers, found.not_chained) == (1, 1, 1, 0)
    assert found.crl[:10] == "2026-11-21"
    assert found.problems == found.sources == ()
    assert found.as_json(NOW)["crl_age"] == 1


def test_what_is_missing_is_named(store: TrustStore) -> None:
    add(store, CSCA.certificate().der)
    assert state(store, "UT").problems == ("no CRL: whether a signer is revoked is undetermined",)
    missing = state(store, "NL")
    assert missing.problems == ("no CSCA: its documents are referred",)
    assert any("npkd.nl" in each.where for each in missing.sources)
    assert any("icao" in each.where for each in missing.sources)


def test_what_has_expired_is_named(store: TrustStore) -> None:
    add(store, CSCA.certificate().der, CSCA.crl())
    assert "the CRL is out of date since 2026-12-22" in state(store, "UT", 60).problems
    assert "every CSCA has expired" in state(store, "UT", 4000).problems[0]


def test_a_revocation_list_that_is_not_in_force_yet_is_named(store: TrustStore) -> None:
    add(store, CSCA.certificate().der, CSCA.crl(issued=NOW + 20 * DAY))
    found = state(store, "UT")
    assert found.crl == ""
    assert "no CRL: whether a signer is revoked is undetermined" in found.problems
    assert "is not in force yet" in found.problems[1]
    assert state(store, "UT", 21).problems == ()


def test_a_revocation_list_that_cannot_be_used_whole_is_named(store: TrustStore) -> None:
    add(store, CSCA.certificate().der, CSCA.crl(), newer(NAMED, more=STRANGE).der)
    (problem,) = state(store, "UT").problems
    assert "cannot be used whole (it has unknown critical extensions: 1.2.3.4.5)" in problem
    add(store, CSCA.crl(issued=NOW + DAY, number=3))
    assert len(store.crls_of_country("UT")) == 2  # what the other one revokes stays revoked
    assert state(store, "UT", 1).problems == ()


def test_signers_without_a_chain_are_counted_with_their_reasons(store: TrustStore) -> None:
    add(store, CSCA.certificate().der, CSCA.crl())
    rogue = Authority(label="rogue").issue("DS 7", serial=7)
    strangers = [ELSEWHERE.issue(f"DS {number}", serial=number).der for number in (8, 9)]
    add(store, ldif(CSCA.issue().der, rogue.der, *strangers))
    found = state(store, "UT")
    assert (found.signers, found.not_chained) == (1, 1)
    assert "1 Document Signer without a chain" in found.problems
    ((reason, count),) = found.reasons
    assert count == 1
    assert "not the key that the certificate names" in reason
    assert state(store, "XX").reasons == (("the trust store has no CSCA of XX", 2),)
    add(store, ELSEWHERE.certificate().der)
    add(store, ldif(*strangers))
    assert state(store, "XX").not_chained == 0


def test_the_command_says_who_publishes_what_is_missing(
    store: TrustStore, capsys: pytest.CaptureFixture[str]
) -> None:
    add(store, CSCA.certificate().der)
    assert run_command_line(verify, ["trust", "states", str(store.path), "--country", "nl"]) == 0
    output = capsys.readouterr().out
    assert "NL" in output
    assert "https://www.npkd.nl/ (seen 2026-11-30)" in output
    assert run_command_line(verify, ["trust", "states", str(store.path), "--json"]) == 0
    found = {each["country"]: each for each in json.loads(capsys.readouterr().out)}
    assert found["UT"]["cscas"] == 1
    assert found["DE"]["problems"]


def test_all_reasons_of_one_state_are_shown(
    store: TrustStore, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = [extension(f"1.2.3.{number}", b"\5\0", critical=True) for number in range(5)]
    signers = [CSCA.issue(serial=serial, more=[each]) for serial, each in enumerate(foreign, 7)]
    add(store, CSCA.certificate().der, ldif(*(each.der for each in signers)))
    command = ["trust", "states", str(store.path)]
    assert run_command_line(verify, command) == 0
    output = capsys.readouterr().out
    assert output.count("unknown critical extensions") == 3
    assert "and 2 reasons more, which --country UT shows" in output
    assert run_command_line(verify, [*command, "--country", "UT"]) == 0
    assert capsys.readouterr().out.count("unknown critical extensions") == 5


def test_sources_are_of_known_states_with_an_address_and_a_date() -> None:
    for each in public_sources():
        assert not each.country or has_mrz_code(each.country)
        assert each.where.startswith(("https://", "http://"))
        assert each.what
        assert each.on
        assert each.seen.year >= 2026
