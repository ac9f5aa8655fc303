"""The pytest plug-in: fixtures with cards that are good, faulty or forged, and readers for them.

It adds fixtures and three markers, and imports nothing before a test uses one of them.

    specimen        a whole document of a fictitious holder; `@pytest.mark.specimen("permit")`
    pki             the State that signed it, with its trust anchors as files
    virtual_card    the specimen as a card; `@pytest.mark.faults("flip:0.01", seed="7")`, and
                    `@pytest.mark.timing("2018,424")` for one with the times of a real card
    virtual_reader  an empty reader of a real pcscd, for `insert`
    liar            a forged document; the test runs once for each kind that a chip can show
    quirky_card     a genuine card with a quirk of real ones; the test runs once for each quirk
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chipseal.testing import Liar, Pki, VirtualCard
    from emrtd.specimens import Specimen
    from vsmartcard.reader.threaded import ThreadedReader

_PROFILE = "passport"


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    config.addinivalue_line(
        "markers", "specimen(profile, seed): the specimen of this test (chipseal)"
    )
    config.addinivalue_line(
        "markers", "faults(*specs, seed): the faults of this test's virtual card (chipseal)"
    )
    config.addinivalue_line(
        "markers", "timing(profile, real): the times of this test's virtual card (chipseal)"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that uses `liar` or `quirky_card` once for each kind, unless it names some."""
    for fixture in ("liar", "quirky_card"):
        if fixture in metafunc.fixturenames and _is_for_all(metafunc, fixture):
            metafunc.parametrize(fixture, _names(fixture), indirect=True)


def _is_for_all(metafunc: pytest.Metafunc, fixture: str) -> bool:
    """Whether a test uses our fixture, and does not choose its parameters itself."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        names = mark.args[0] if mark.args else mark.kwargs.get("argnames", ())
        listed = names.split(",") if isinstance(names, str) else names
        if fixture in map(str.strip, listed):
            return False
    definition = metafunc._arg2fixturedefs[fixture][-1]
    return definition.func.__module__ == __name__


def _names(fixture: str) -> list[str]:
    if fixture == "liar":
        from vsmartcard.forging.forgery import Family
        from vsmartcard.forging.kinds import kinds

        # made-up notes lie beside the files of an image: no chip shows them
        return [name for name, each in kinds().items() if each.family is not Family.NOTES]
    from vsmartcard.quirks.making import quirks

    return quirks()


@pytest.fixture(scope="session")
def _specimens() -> "Callable[[str, str], Specimen]":
    """Makes specimens, each only once in a session."""
    from functools import cache

    from emrtd.specimens import make_specimen
    from vsmartcard.reader.specimens import today

    at = today()
    return cache(lambda profile, seed: make_specimen(profile, at, seed))


@pytest.fixture
def specimen(
    request: pytest.FixtureRequest, _specimens: "Callable[[str, str], Specimen]"
) -> "Specimen":
    """A document of a fictitious holder, signed today: by default of the profile "passport".

    `@pytest.mark.specimen("permit", seed="another holder")` chooses another, and so does
    `@pytest.mark.parametrize("specimen", ["permit", "passport"], indirect=True)`.
    """
    from emrtd.specimens import SEED

    profile, seed = getattr(request, "param", _PROFILE), SEED
    mark = request.node.get_closest_marker("specimen")
    if mark is not None:
        _only_seed(mark, specs=1)
        profile = mark.args[0] if mark.args else profile
        seed = mark.kwargs.get("seed", seed)
    return _specimens(profile, seed)


def _only_seed(mark: pytest.Mark, specs: int | None = None) -> None:
    """Fail a test whose marker has an argument that would have no effect."""
    if mark.kwargs.keys() - {"seed"} or (specs is not None and len(mark.args) > specs):
        given = [*map(repr, mark.args), *(f"{name}=…" for name in mark.kwargs)]
        pytest.fail(
            f"the marker {mark.name} does not take {', '.join(given)}; see `pytest --markers`",
            pytrace=False,
        )


@pytest.fixture
def pki(specimen: "Specimen", tmp_path_factory: pytest.TempPathFactory) -> "Pki":
    """The State that signed the specimen: `state` with its keys, and `csca` and `crl` as files."""
    from chipseal.testing import save_pki

    return save_pki(specimen, tmp_path_factory.mktemp("pki"))


@pytest.fixture
def virtual_card(request: pytest.FixtureRequest, specimen: "Specimen", pki: "Pki") -> "VirtualCard":
    """The specimen as a card, with the faults of `@pytest.mark.faults(...)`.

    A test can send it commands with `transmit`, or put it into `virtual_reader`.  With
    `@pytest.mark.timing("2018,424")`, `virtual_card.timing.time` is what a real card would have
    taken; nothing sleeps, except with `real=True`.
    """
    from chipseal.testing import make_card, make_timing
    from vsmartcard.card.faults.spec import SEED

    timing = None
    mark = request.node.get_closest_marker("timing")
    if mark is not None:
        timing = make_timing(*mark.args, **mark.kwargs)
    mark = request.node.get_closest_marker("faults")
    if mark is None:
        return make_card(specimen, pki, timing=timing)
    _only_seed(mark)
    return make_card(specimen, pki, mark.args, str(mark.kwargs.get("seed", SEED)), timing)


@pytest.fixture
def liar(
    request: pytest.FixtureRequest,
    specimen: "Specimen",
    pki: "Pki",
    tmp_path_factory: pytest.TempPathFactory,
) -> "Liar":
    """A forged document, of which the specimen is the victim.

    The test runs once for each kind of forgery but made-up notes, which no chip shows, or once for
    each that `@pytest.mark.parametrize("liar", ["dg1.name", ...], indirect=True)` names.  It skips
    if the specimen does not have what the kind needs.
    """
    from chipseal.testing import make_liar
    from support.errors import MisuseError
    from vsmartcard.forging.kinds import kinds

    name = request.param
    if name not in kinds():
        pytest.fail(
            f"{name!r} is not a kind of forgery; see `vsmartcard forge --list`", pytrace=False
        )
    try:
        return make_liar(name, specimen, pki, tmp_path_factory.mktemp("liar"))
    except MisuseError as error:
        pytest.skip(str(error))


@pytest.fixture
def quirky_card(
    request: pytest.FixtureRequest,
    specimen: "Specimen",
    pki: "Pki",
    tmp_path_factory: pytest.TempPathFactory,
) -> "VirtualCard":
    """The specimen as a genuine card with a quirk of real ones.

    The test runs once for each quirk, or once for each that
    `@pytest.mark.parametrize("quirky_card", ["sod.no-tag", ...], indirect=True)` names.
    """
    from chipseal.testing import make_quirky_card
    from support.errors import MisuseError

    try:
        folder = tmp_path_factory.mktemp("quirky")
        return make_quirky_card(request.param, specimen, pki, folder)
    except MisuseError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def _virtual_reader() -> "Iterator[ThreadedReader]":
    """A reader that this session has claimed."""
    from vsmartcard.reader.threaded import virtual_reader as claimed

    with claimed() as reader:
        yield reader


@pytest.fixture
def virtual_reader(request: pytest.FixtureRequest) -> "Iterator[ThreadedReader]":
    """An empty PC/SC reader, by its `name`, of the pcscd that runs or of one that is started.

    `insert(card)` puts a card into it, `take_out()` takes it out; it is empty again after the test.
    The test skips if there is no pcscd with virtual readers and none can be started.
    """
    from emrtd.errors import TransportError

    try:
        reader: ThreadedReader = request.getfixturevalue("_virtual_reader")
    except TransportError as error:
        pytest.skip(str(error))
    try:
        yield reader
    finally:
        reader.take_out()
