"""Every name of Doc 9303-4 to -7, with the lengths that shorten it as printed there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.mrz.layout import LAYOUTS, MrzFormat
from emrtd.mrz.names import RECOMMENDED_LENGTHS, NameLengths, name_field
from support.errors import MisuseError
from tests.helpers import facts

CHOICES = {
    "BENNELONG<WOOLOOMOOLOO<WARRANDYTE<W<<DI": NameLengths((9, 12, 10, 1), (2, 0)),
    "BENNELONG<WOOLOOM<WARRAND<WARNAM<<DINGO": NameLengths((9, 7, 7, 6), (5, 0)),
    "BENNEL<WOOLOO<WARRAN<WARNAM<<DINGO<POTO": NameLengths((6,)),
    "NILAVADHANANANDA<<ARNPOL<PE<CH": NameLengths((), (6, 2)),
    "BENNELONG<WOOLOOMOOLOO<W<W<<DI": NameLengths((9, 12, 1), (2, 0)),
    "BENNELONG<WOOLOOM<WA<WARN<<D<P": NameLengths((9, 7, 2, 4), (1,)),
    "BENNE<WOOLO<WARRA<WARNA<<DIN<P": NameLengths((5,)),
    "NILAVADHANANANDA<<ARN<PET<CHARO": NameLengths((), (3, 3, 5)),
    "BENNELONG<WOOLOOM<WAR<WARN<<D<P": NameLengths((9, 7, 3, 4), (1,)),
    "BENNEL<WOOLO<WARRA<WARNA<<DIN<P": NameLengths((6, 5), (3, 1)),
    "NILAVADHANANANDA<<ARNP<PE<CHARO": NameLengths((), (4, 2, 5)),
    "BENNELONG<WOOLOOMOOLOO<WAR<W<<D": NameLengths((9, 12, 3, 1), (1, 0)),
    "BENNELONG<WOOLOOM<WAR<WA<<DINGO": NameLengths((9, 7, 3, 2), (5, 0)),
    "BENN<WOOL<WARR<WARN<<DINGO<POTO": NameLengths((4,)),
}
"""The lengths for the names that are not shortened in the recommended way."""

WORDS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=20)


def test_every_published_name() -> None:
    chosen = set()
    examples = facts("mrz/mrz_examples.json")["names_and_truncation"]
    assert len(examples) >= 60
    for example in examples:
        layout = LAYOUTS[MrzFormat(example["format"])]
        line, first, _ = layout.places["names"]
        # One line is misprinted with more fillers than fit; the part before the name is cut off.
        offset = 0 if layout.format == MrzFormat.TD1 else first - 1
        printed = example["mrz_line"][offset : layout.width]
        surname, _, given_names = example["viz"].partition(", ")
        lengths = CHOICES.get(printed, RECOMMENDED_LENGTHS)
        chosen.add(printed)
        made = name_field(surname, given_names, layout.room("names"), lengths=lengths)
        assert made == printed, (example, line)
    assert set(CHOICES) <= chosen


@given(
    st.lists(WORDS, min_size=1, max_size=15),
    st.lists(WORDS, max_size=15),
    st.sampled_from([30, 31, 39]),
    st.lists(st.integers(1, 20), max_size=4),
    st.lists(st.integers(1, 20), max_size=4),
)
def test_a_shortened_name_fills_its_field_to_the_last_letter(
    surname: list[str], given: list[str], room: int, primary: list[int], secondary: list[int]
) -> None:
    lengths = NameLengths(tuple(primary), tuple(secondary))
    made = name_field(" ".join(surname), " ".join(given), room, lengths=lengths)
    full = "<".join(surname) + ("<<" + "<".join(given) if given else "")
    assert len(made) == room
    if len(full) <= room:
        assert made == full.ljust(room, "<")
        return
    assert made.startswith(surname[0][0])
    before, separator, behind = made.partition("<<")
    if given:
        assert separator
        assert behind.startswith(given[0][0])
    # Only names that consist of initials may leave room that no letter can fill.
    if not all(len(word) == 1 for word in surname + given):
        assert made[-1] != "<" or before.endswith("<") or len(behind.rstrip("<")) < len(behind)


@given(st.lists(WORDS.filter(lambda w: len(w) > 3), min_size=5, max_size=9), st.lists(WORDS))
def test_the_last_position_of_a_shortened_name_is_a_letter(
    surname: list[str], given: list[str]
) -> None:
    made = name_field(" ".join(surname), " ".join(given), 20)
    assert made[-1].isalpha()


def test_a_single_name_is_the_primary_identifier() -> None:
    assert name_field("Arkfreith", "", 30) == "ARKFREITH".ljust(30, "<")
    assert name_field("", "Arkfreith", 30) == "ARKFREITH".ljust(30, "<")


@pytest.mark.parametrize(("primary", "secondary"), [((0,), ()), ((), (0,)), ((1,), (-1,))])
def test_lengths_that_remove_the_first_letter_are_refused(
    primary: tuple[int, ...], secondary: tuple[int, ...]
) -> None:
    with pytest.raises(MisuseError):
        NameLengths(primary, secondary)
