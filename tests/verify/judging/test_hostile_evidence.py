"""Any files and notes of a capture give a report whose verdict is not accept."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.lds.files import FileID
from tests.helpers import replace
from tests.verify.documents import Document, usual
from tests.verify.inspection.test_inspection import inserted, inspected
from verify.judging.evidence import (
    Access,
    AccessControl,
    ActiveAuthenticationTranscript,
    ChipAuthenticationTranscript,
    Exchange,
    Failure,
    InspectionSession,
    PaceTranscript,
    Step,
)
from verify.judging.faults import (
    BareAnswer,
    Exhausted,
    Fault,
    Malformed,
    NotTried,
    Refused,
    SessionBroken,
    Unsuitable,
    Violated,
    Why,
    describe,
)
from verify.judging.report import Verdict
from verify.showing.html import render_html
from vsmartcard.forging.surgery import EF_SOD_TAG

FILES = sorted(usual().files)
LIVE = inspected(inserted(usual()))
octets = st.binary(max_size=80)
text = st.text(max_size=20)


@st.composite
def splices(draw: st.DrawFn) -> Document:
    """The usual document with octets of its files replaced, removed or inserted."""
    document = usual()
    for file_id in draw(st.lists(st.sampled_from(FILES), min_size=1, max_size=3)):
        content = document.files[file_id]
        begin = draw(st.integers(0, len(content)))
        end = draw(st.integers(begin, min(len(content), begin + 40)))
        changed = content[:begin] + draw(octets) + content[end:]
        document = document.with_file(file_id, changed)
    return document


@given(splices())
@settings(max_examples=150, deadline=None)
def test_any_combination_of_files_is_judged(document: Document) -> None:
    report = document.judged()
    sod = document.files[FileID.SOD]
    if sod[:1] == b"\x30":  # without its tag it says the same, and that is named
        document = document.with_file(FileID.SOD, tlv.encode(EF_SOD_TAG, sod))
    assert (report.verdict is Verdict.ACCEPT) == (document.files == usual().files)
    assert "</html>" in render_html(replace(report, portrait=None))  # which takes a process each


@given(st.dictionaries(st.sampled_from(list(FileID)), octets, max_size=4))
@settings(max_examples=150, deadline=None)
def test_files_of_any_octets_are_judged(files: dict[FileID, bytes]) -> None:
    evidence = msgspec.structs.replace(usual().evidence(), files=files)
    assert usual().judged(evidence).verdict is not Verdict.ACCEPT


status_words = st.integers(0, 0xFFFF)
passwords = st.sampled_from([None, "mrz", "can"])
faults = st.one_of(
    st.builds(Refused, status_words, text),
    st.builds(BareAnswer, status_words),
    st.builds(SessionBroken, text),
    st.builds(Malformed, text, text, st.none() | st.integers(0, 1 << 40)),
    st.builds(Violated, text),
    st.builds(Unsuitable, text),
    st.builds(NotTried, st.sampled_from(Why), text),
    st.builds(Exhausted, st.integers(0, 1 << 40)),
)

sessions = st.builds(
    InspectionSession,
    atr=octets,
    access=st.none() | st.builds(Access, st.sampled_from(AccessControl), passwords, text),
    failures=st.tuples(st.builds(Failure, st.sampled_from(Step), faults, passwords)),
    pace=st.builds(
        PaceTranscript,
        protocol=st.just(LIVE.session.pace.protocol) | text,  # type: ignore[union-attr]
        parameter_id=st.none() | st.integers(0, 40),
        mapping_key=st.none() | octets,
        chip_authentication_data=octets,
    ),
    chip_authentication=st.builds(
        ChipAuthenticationTranscript,
        protocol=st.just(LIVE.session.chip_authentication.protocol) | text,  # type: ignore[union-attr]
        key_id=st.sampled_from([None, 13]) | st.integers(),
        terminal_private_key=octets,
        proof=st.builds(Exchange, octets, octets),
    ),
    active_authentication=st.builds(ActiveAuthenticationTranscript, octets, octets),
)


@given(sessions)
@settings(max_examples=150, deadline=None)
def test_transcripts_of_any_octets_prove_nothing(session: InspectionSession) -> None:
    evidence = msgspec.structs.replace(LIVE, session=session)
    report = usual().judged(evidence)
    assert report.verdict is Verdict.REJECT
    again = msgspec.json.decode(msgspec.json.encode(session), type=InspectionSession)
    assert again == session


@given(faults)
def test_any_fault_survives_encoding_and_has_a_sentence(fault: Fault) -> None:
    again = msgspec.json.decode(msgspec.json.encode(fault), type=Fault)
    assert again == fault
    assert describe(again) == describe(fault)
