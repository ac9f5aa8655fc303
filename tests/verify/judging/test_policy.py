from pathlib import Path

import pytest

from support.errors import MalformedError, MisuseError
from tests.helpers import REPOSITORY, replace
from verify.judging.check_ids import CHECK_IDS
from verify.judging.policy import BasicAccessControl, ChipAuthenticity, load_policy

SHIPPED = ("default", "strict")


def edited(tmp_path: Path, old: str, new: str) -> str:
    """Write the default policy with one change to a file."""
    text = (REPOSITORY / "verify" / "judging" / "policies" / "default.toml").read_text()
    assert old in text
    path = tmp_path / "policy.toml"
    path.write_text(text.replace(old, new))
    return str(path)


def test_the_policies_that_ship_can_be_read() -> None:
    default, strict = (load_policy(name) for name in SHIPPED)
    assert (default.name, strict.name) == SHIPPED
    assert set(default.mandatory) < set(strict.mandatory)
    assert default.tolerates("asn1.indefinite-length")
    assert not strict.tolerates("asn1.indefinite-length")
    assert default.basic_access_control is BasicAccessControl.FALLBACK
    assert strict.chip_authenticity is ChipAuthenticity.REQUIRED


def test_a_policy_in_a_file_is_read(tmp_path: Path) -> None:
    path = edited(tmp_path, 'tolerated_quirks = ["*"]', 'tolerated_quirks = ["asn1.*", "lds.dg2"]')
    policy = load_policy(path)
    assert policy.tolerates("asn1.long-length")
    assert policy.tolerates("lds.dg2")
    assert not policy.tolerates("lds.dg3")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("\nchip_authenticity", "\nchip_authenticty", "unknown field `chip_authenticty`"),
        ("weak_rsa_below", "weak_rsa", "unknown field `weak_rsa`"),
        ('"ds.chain"', '"ds.chains"', "unknown check 'ds.chains'"),
        ('    "dg.hash",\n', "", "`mandatory` lacks 'dg.hash'"),
        ('    "sod.signature",\n', "", "`mandatory` lacks 'sod.signature'"),
        ('tolerated_quirks = ["*"]', 'tolerated_quirks = ["asn2.*"]', "unknown quirk 'asn2.*'"),
        ('= "fallback"', '= "always"', "Invalid enum value 'always'"),
        ('weak_hashes = ["SHA-1"]', 'weak_hashes = ["SHA1"]', "unknown hash function 'SHA1'"),
        ("refused_rsa_below = 1024", "", "missing required field `refused_rsa_below`"),
        ('name = "default"', 'name = "default', "policy.toml"),
    ],
)
def test_a_mistake_in_a_policy_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    with pytest.raises(MalformedError) as caught:
        load_policy(edited(tmp_path, old, new))
    assert complaint in str(caught.value)


@pytest.mark.parametrize("name", ["lenient", "../policies/default", "", "default.toml"])
def test_an_unknown_policy_is_a_mistake(name: str) -> None:
    with pytest.raises(MisuseError, match="is not a policy"):
        load_policy(name)


def test_an_oversized_policy_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("#" * 70_000)
    with pytest.raises(MalformedError, match="more than"):
        load_policy(str(path))


def test_the_check_ids_are_complete() -> None:
    assert len(CHECK_IDS) == len(set(CHECK_IDS)) == 25


def test_the_old_reader_differs_from_the_default_only_in_basic_access_control() -> None:
    old, default = load_policy("old_reader"), load_policy("default")
    assert old.basic_access_control is BasicAccessControl.ONLY
    assert replace(old, name=default.name, basic_access_control=default.basic_access_control) == (
        default
    )
