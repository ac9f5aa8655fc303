import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.mrz.transliteration import Transliteration, transliterate
from emrtd.mrz.transliteration_tables import Language
from support.errors import MisuseError
from tests.helpers import facts

LANGUAGES = {
    "Belorussian": Language.BELARUSIAN,
    "Bulgarian": Language.BULGARIAN,
    "Macedonian": Language.MACEDONIAN,
    "Serbian": Language.SERBIAN,
    "Ukrainian": Language.UKRAINIAN,
}


def joined(name: str, options: Transliteration = Transliteration()) -> str:  # noqa: B008
    return "<".join(transliterate(name, options))


@pytest.mark.parametrize("script", ["latin", "cyrillic", "arabic"])
def test_every_letter_of_the_tables(script: str) -> None:
    rows = [row for row in facts("mrz/transliteration.json")[script] if row["mrz"] is not None]
    assert len(rows) > 40
    for row in rows:
        # Between two letters, so that rules for the ends of a word do not apply.
        assert joined(f"A{row['char']}A") == f"A{row['mrz']}A", row


def test_every_alternative_for_a_latin_letter() -> None:
    rows = facts("mrz/transliteration.json")["latin"]
    assert sum(len(row["alternatives"]) for row in rows) == 6
    for row in rows:
        for choice in row["alternatives"]:
            assert joined(row["char"], Transliteration(choices={row["char"]: choice})) == choice


def test_every_exception_of_a_language() -> None:
    checked = 0
    for row in facts("mrz/transliteration.json")["cyrillic"]:
        for exception in row["exceptions"]:
            options = Transliteration(LANGUAGES[exception["language"]])
            first = "condition" in exception
            assert joined(row["char"] + "А", options) == exception["mrz"] + "A"
            inside = joined("А" + row["char"], options)
            assert (inside == "A" + exception["mrz"]) == (not first or row["mrz"][0:1] == "")
            checked += 1
    assert checked > 15


def test_published_examples() -> None:
    examples = facts("mrz/transliteration.json")
    for example in examples["arabic_examples"]:
        assert joined(example["arabic"]) == example["mrz"]
    for mrz in ("EBBAS", "FXDZXDZXAH"):
        assert joined(examples["shadda_examples"][mrz]) == mrz
    spanish = Transliteration(choices={"Ñ": "NXX"})
    assert joined("CAÑON", spanish) == "CANXXON"
    assert joined("Térèsa", spanish) == "TERESA"


@pytest.mark.parametrize(
    ("name", "mrz"),
    [
        ("D’ARTAGNAN", "DARTAGNAN"),
        ("d'Artagnan", "DARTAGNAN"),
        ("Oʻzbek", "OZBEK"),
        ("MARIE-ELISE", "MARIE<ELISE"),
        ("Marie\u2010Elise", "MARIE<ELISE"),
        ("ANNA, MARIA", "ANNA<MARIA"),
        ("  Jean   Luc ", "JEAN<LUC"),
        ("St. John (Jr.)", "ST<JOHN<JR"),
        ("Straße", "STRASSE"),
        ("Nguyễn Thị", "NGUYEN<THI"),
        ("ﬁnn Ａｎｎ", "FINN<ANN"),
        ("A\u030angstro\u0308m", "AANGSTROEM"),
        ("Ольга Соловьёва", "OLGA<SOLOVEVA"),
        ("\u0639\u0628\u0651\u064e\u0627\u0633", "EBBAS"),
        ("\u0639\u0628\u064e\u0651\u0627\u0633", "EBBAS"),
        ("", ""),
    ],
)
def test_names_as_people_write_them(name: str, mrz: str) -> None:
    assert joined(name) == mrz


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("...", "no letters"),
        ("\u064e", "no letters"),
        ("Ωmega", "Greek"),
        ("Louis 14", "digit"),
        ("Louis Ⅳ", "digit"),
        ("A" * 1001, "1001 characters"),
    ],
)
def test_names_that_no_table_covers_are_refused(name: str, says: str) -> None:
    if name == "Louis Ⅳ":  # its compatibility form consists of letters
        assert joined(name) == "LOUIS<IV"
        return
    with pytest.raises(MisuseError, match=says):
        transliterate(name)


def test_a_choice_that_the_table_does_not_permit_is_refused() -> None:
    with pytest.raises(MisuseError, match="may become N or NXX"):
        Transliteration(choices={"Ñ": "NY"})
    with pytest.raises(MisuseError, match="no choice"):
        Transliteration(choices={"山": "YAMA"})


@given(st.text(max_size=40), st.sampled_from([None, *Language]))
def test_the_result_has_only_letters(name: str, language: Language | None) -> None:
    try:
        components = transliterate(name, Transliteration(language))
    except MisuseError:
        return
    assert all(each.isascii() and each.isalpha() and each.isupper() for each in components)


@given(st.text(st.characters(categories=["Lu", "Ll", "Mn"], max_codepoint=0x24F), max_size=20))
def test_decomposed_letters_equal_composed_ones(name: str) -> None:
    def outcome(form: str) -> tuple[str, ...] | None:
        try:
            return transliterate(form)
        except MisuseError:
            return None

    composed = unicodedata.normalize("NFC", name)
    decomposed = unicodedata.normalize("NFD", name)
    assert outcome(composed) == outcome(decomposed)
