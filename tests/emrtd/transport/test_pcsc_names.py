"""Which reader a name means."""

import pytest

from emrtd.errors import TransportError, TransportFault

readers = pytest.importorskip("emrtd.transport.pcsc.readers")

NAMES = ["ACS ACR122U 00 00", "ACS ACR122U 01 00", "OMNIKEY 5022 02 00", "OMNIKEY 5022 02 000"]


@pytest.mark.parametrize(
    ("name", "found", "meant"),
    [
        ("ACR122U 01", NAMES, "ACS ACR122U 01 00"),
        ("OMNIKEY 5022 02 00", NAMES, "OMNIKEY 5022 02 00"),
        ("", NAMES[:1], "ACS ACR122U 00 00"),
    ],
)
def test_a_name_its_unambiguous_part_or_none_for_the_only_reader(
    name: str, found: list[str], meant: str
) -> None:
    assert readers.select(name, found) == meant


@pytest.mark.parametrize(
    ("name", "found", "words"),
    [
        (
            "ACS",
            NAMES,
            "'ACS' is part of the names of several readers; choose one with --reader: ACS",
        ),
        (
            "acs",
            NAMES,
            "there is no reader 'acs'; choose one with --reader: ACS ACR122U 00 00; ACS",
        ),
        (
            "",
            NAMES[:2],
            "there are several readers; choose one with --reader: ACS ACR122U 00 00; ACS",
        ),
        ("", [], "there is no reader; plug one in"),
        ("virtaul:card.chip", [], "there is no reader 'virtaul:card.chip'; plug one in"),
    ],
)
def test_any_other_name_is_an_error_that_lists_the_readers(
    name: str, found: list[str], words: str
) -> None:
    with pytest.raises(TransportError) as raised:
        readers.select(name, found)
    assert str(raised.value).startswith(words)
    assert raised.value.fault is TransportFault.NO_READER
