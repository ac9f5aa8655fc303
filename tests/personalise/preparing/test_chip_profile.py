import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from emrtd.mrz.names import NameLengths
from emrtd.mrz.transliteration import transliterate
from personalise.preparing.chip_profile import ChipProfile, shipped_profiles
from support.errors import MisuseError
from support.records import FieldError, from_toml
from tests.helpers import REPOSITORY


def permit() -> str:
    return (REPOSITORY / "personalise/preparing/profiles/permit.toml").read_text(encoding="utf-8")


def test_every_installed_profile_loads() -> None:
    assert shipped_profiles() == ["passport", "permit", "permit-bac", "permit-jmrtd-applet"]
    profiles = {name: ChipProfile.load(name) for name in shipped_profiles()}
    assert profiles["permit"].document == "TD1"
    assert not profiles["permit"].bac
    assert profiles["permit-bac"].bac
    assert profiles["passport"].document == "TD3"
    assert profiles["permit"].needs_card_security


@pytest.mark.parametrize(
    ("old", "new", "field", "problem"),
    [
        ("bac = false", "bacc = false", "bacc", "not a known field"),
        ('mapping = "GM"', 'maping = "GM"', "pace[0].maping", "not a known field"),
        ('mapping = "GM"', 'mapping = "XM"', "pace[0].mapping", "not one of the allowed values"),
        ("can = true", 'can = "yes"', "passwords.can", "true or false"),
        ('"DG2", ', "", "data_groups", "lack DG2"),
        ('"DG2", ', '"DG2", "DG2", ', "data_groups", "twice"),
        ('"DG13"', '"DG99"', "data_groups[5]", "not one of the allowed values"),
        ("domain_parameters = 13", "domain_parameters = 2", "pace[0].domain_parameters", "ECDH"),
        (
            "domain_parameters = 13",
            "domain_parameters = 20",
            "pace[0].domain_parameters",
            "reserved",
        ),
        (
            'mapping = "GM"\nkey_agreement = "ECDH"\ncipher = "AES-128"\ndomain_parameters = 13',
            'mapping = "IM"\nkey_agreement = "ECDH"\ncipher = "AES-128"\ndomain_parameters = 10',
            "pace[0].domain_parameters",
            "for which Integrated Mapping is not defined",
        ),
        ("command = 32_768", "command = 70_000", "buffers.command", ""),
        ('document = "TD1"', "", "document", "is missing"),
        *(
            (
                'document = "TD1"',
                f'document = "TD1"\nother_nationalities = ["{code}"]',
                "other_nationalities[0]",
                problem,
            )
            for code, problem in (
                ("GBR", "has no effect"),
                ("XXA", "has no effect"),
                ("ANT", "never written"),
                ("UTO", "code of specimens"),
                ("XK", "three letters"),
                ("xxk", "three letters"),
            )
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(
    old: str, new: str, field: str, problem: str
) -> None:
    text = permit()
    assert old in text
    with pytest.raises(FieldError) as caught:
        from_toml(text.replace(old, new, 1).encode(), ChipProfile, "permit.toml")
    assert caught.value.field == field
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    ("entry", "field", "problem"),
    [
        ('algorithm = "RSA"', "bits", "must be given for RSA"),
        ('algorithm = "RSA"\nbits = 1000', "bits", ""),
        ('algorithm = "ECDSA"', "curve", "must be given for ECDSA"),
        ('algorithm = "ECDSA"\ncurve = "P-256"', "curve", "is not known; use one of brainpool"),
        ('algorithm = "ECDSA"\ncurve = "secp256r1"\nhash = "SHA-1"', "hash", "6.1.2.3"),
        ('algorithm = "ECDSA"\ncurve = "secp256r1"\nhash = "SHA-384"', "hash", "is longer than"),
        *(
            (f'algorithm = "ECDSA"\ncurve = "{curve}"\nhash = "SHA-224"', "hash", "larger curve")
            for curve in ("brainpoolP160r1", "brainpoolP192r1", "secp192r1")
        ),
    ],
)
def test_a_wrong_key_for_active_authentication_is_refused(
    entry: str, field: str, problem: str
) -> None:
    text = f"{permit()}\n[active_authentication]\n{entry}\n"
    with pytest.raises(FieldError) as caught:
        from_toml(text.encode(), ChipProfile, "permit.toml")
    assert caught.value.field == f"active_authentication.{field}"
    assert problem in f"{caught.value.problem}; {caught.value.advice}"


@pytest.mark.parametrize("curve", ["secp224r1", "brainpoolP224r1"])
def test_the_smallest_curves_for_active_authentication_take_the_shortest_hash(curve: str) -> None:
    entry = f'[active_authentication]\nalgorithm = "ECDSA"\ncurve = "{curve}"\nhash = "SHA-224"\n'
    profile = from_toml(f"{permit()}\n{entry}".encode(), ChipProfile, "permit.toml")
    assert profile.active_authentication is not None
    assert profile.active_authentication.curve == curve


def test_contradictory_settings_are_refused() -> None:
    text = permit()
    without_keys = re.sub(r"\[\[chip_authentication\]\](\n[^\[]+)+", "", text)
    with pytest.raises(FieldError, match="terminal_authentication: requires chip_authentication"):
        from_toml(without_keys.encode(), ChipProfile, "p")
    without_terminal = without_keys.replace("[terminal_authentication]", "")
    with pytest.raises(FieldError, match="match no key in chip_authentication"):
        from_toml(without_terminal.encode(), ChipProfile, "p")
    with pytest.raises(FieldError, match="nothing would open the chip"):
        from_toml(re.sub(r"\[\[pace\]\](\n[^\[]+)+", "", text).encode(), ChipProfile, "p")


def test_a_profile_is_loaded_by_name_or_from_a_file(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="passport, permit, permit-bac"):
        ChipProfile.load("permitt")
    own = tmp_path / "own.toml"
    own.write_text(permit(), encoding="utf-8")
    assert ChipProfile.load(str(own)) == ChipProfile.load("permit")
    own.write_text("document = [", encoding="utf-8")
    with pytest.raises(FieldError, match="is not TOML"):
        ChipProfile.load(str(own))


def test_the_states_choices_about_names_are_read() -> None:
    text = (
        permit()
        + """
[names]
language = "uk"
letters = {"Ñ" = "NXX"}
surname_lengths = [6]
"""
    )
    names = from_toml(text.encode(), ChipProfile, "p").names
    assert transliterate("Гриценко Ñ", names.transliteration) == ("HRYTSENKO", "NXX")
    assert names.lengths == NameLengths((6,))


@pytest.mark.parametrize(
    ("line", "field", "problem"),
    [
        ('language = "xx"', "names.language", "not one of the allowed values"),
        ('letters = {"Ñ" = "NY"}', "names.letters", "may become N or NXX"),
        ("surname_lengths = [0]", "names.surname_lengths", "keeps a letter"),
        ("given_name_lengths = [0]", "names.given_name_lengths", "keeps a letter"),
    ],
)
def test_a_choice_about_names_that_doc_9303_does_not_allow_is_refused(
    line: str, field: str, problem: str
) -> None:
    with pytest.raises(FieldError) as caught:
        from_toml(f"{permit()}\n[names]\n{line}\n".encode(), ChipProfile, "p")
    assert caught.value.field == field
    assert problem in caught.value.problem


def test_a_key_without_effect_is_refused(tmp_path: Path) -> None:
    bac_alone = 'description = "p"\ndocument = "TD1"\ndata_groups = ["DG1", "DG2"]\nbac = true\n'
    from_toml(bac_alone.encode(), ChipProfile, "p")
    for field, more in {
        "passwords.pin": "[passwords]\npin = true\n",
        "passwords.puk": "[passwords]\npuk = true\n",
        "fingerprint": "[fingerprint]\noctets = 9000\n",
    }.items():
        with pytest.raises(FieldError) as caught:
            from_toml((bac_alone + more).encode(), ChipProfile, "p")
        assert caught.value.field == field
    with pytest.raises(FieldError, match=r"passwords\.puk: has no effect without passwords\.pin"):
        from_toml(permit().replace("can = true", "puk = true").encode(), ChipProfile, "p")
    own = tmp_path / "own.toml"
    own.write_text(permit().replace('"iso7816-9"', '"iso7816-8"'), encoding="utf-8")
    with pytest.raises(
        FieldError, match=r"card_profile: is not a known kind of card; use .*7816-9"
    ):
        ChipProfile.load(str(own))


def _fields_of(kind: type[msgspec.Struct]) -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        yield field.name
        for each in (field.type, *get_args(field.type)):
            if isinstance(each, type) and issubclass(each, msgspec.Struct):
                yield from _fields_of(each)


def test_every_key_of_a_profile_is_read_by_the_code() -> None:
    read: set[str] = set()
    for path in (REPOSITORY / "personalise").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                of_itself = isinstance(node.value, ast.Name) and node.value.id == "self"
                read |= set() if of_itself else {node.attr}
    by_properties = {"language", "letters", "surname_lengths", "given_name_lengths"}
    assert set(_fields_of(ChipProfile)) - read == by_properties
