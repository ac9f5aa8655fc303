"""One process decodes all images, and no image affects the next one."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image
import pytest

from emrtd.biometrics.images import decoder, standing_process
from emrtd.biometrics.images.decoder import DecodedPixels
from emrtd.biometrics.images.decoding_process import LIMITS, Mode
from emrtd.biometrics.images.png import look, look_each, show, to_pixels, to_png
from emrtd.biometrics.images.serving import FRAME, MAX_ANSWER, Status, answer_in_a_child
from emrtd.biometrics.images.wsq_library import compress
from support.errors import MalformedError
from tests.emrtd.biometrics.images.pictures import portrait, ridges, written
from tests.helpers import shared

PORTRAIT = portrait(120, 160)
FORMATS = {
    "JPEG": written(PORTRAIT, "JPEG", quality=90),
    "progressive JPEG": written(PORTRAIT, "JPEG", quality=90, progressive=True),
    "JPEG 2000": written(PORTRAIT, "JPEG2000", quality_mode="rates", quality_layers=[8], mct=1),
    "JPEG 2000 codestream": written(PORTRAIT, "JPEG2000", no_jp2=True),
    "JPEG 2000 in tiles": written(PORTRAIT, "JPEG2000", tile_size=(64, 64)),
    "PNG": written(PORTRAIT, "PNG"),
    "PPM": written(PORTRAIT, "PPM"),
    "WSQ": compress(ridges(200, 240).tobytes(), 200, 240),
}


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(PIL.Image.open(BytesIO(png)), dtype=float)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_whole_image_has_no_quirk(kind: str) -> None:
    assert show(FORMATS[kind]).quirk == ""


@pytest.mark.parametrize("kind", sorted(FORMATS.keys() - {"PNG", "PPM"}))
def test_an_image_without_its_end_marker_is_shown_whole(kind: str) -> None:
    image = FORMATS[kind]
    assert image[-2] == 0xFF
    with pytest.raises(MalformedError):
        to_png(image[:-2])
    shown = show(image[:-2])
    assert "ends early" in shown.quirk
    assert np.abs(pixels(shown.png) - pixels(to_png(image))).max() <= 1


@pytest.mark.parametrize("kind", FORMATS)
def test_the_visible_part_of_an_image_that_ends_early_is_shown(kind: str) -> None:
    image = FORMATS[kind]
    whole = pixels(to_png(image))
    shown = show(image[: len(image) * 7 // 10])
    assert "ends early" in shown.quirk
    if kind != "WSQ":  # whose last block holds the ridges
        upper = slice(0, len(whole) // 3)
        assert np.abs(pixels(shown.png) - whole)[upper].mean() < 30


START_OF_PICTURE = {
    "JPEG": b"\xff\xda",
    "progressive JPEG": b"\xff\xda",
    "JPEG 2000": b"\xff\x93",
    "JPEG 2000 codestream": b"\xff\x93",
    "PNG": b"IDAT",
    "PPM": b"255\n",
    "WSQ": b"\xff\xa3",
}


@pytest.mark.parametrize("kind", START_OF_PICTURE)
def test_an_image_without_a_visible_part_is_malformed(kind: str) -> None:
    image, start = FORMATS[kind], START_OF_PICTURE[kind]
    with pytest.raises(MalformedError, match="face"):
        show(image[: image.index(start) + len(start)], "face")


def zeroed(kind: str) -> bytes:
    """Return an image with zeros for the data after the first header of its scans."""
    image = FORMATS[kind]
    start = image.index(START_OF_PICTURE[kind]) + 10
    return image[:start] + bytes(len(image) - start - 2) + image[-2:]


BLANK = {
    "progressive JPEG": zeroed("progressive JPEG"),  # which libjpeg decodes without an error
    "PNG": written(PIL.Image.new("RGB", (120, 160), "white"), "PNG"),
    "WSQ": compress(bytes([128]) * 200 * 240, 200, 240),
}


@pytest.mark.parametrize("kind", BLANK)
def test_a_whole_image_of_one_colour_shows_nothing(kind: str) -> None:
    with pytest.raises(MalformedError, match="all its pixels have one colour"):
        show(BLANK[kind])
    (found,) = look([BLANK[kind]])
    assert isinstance(found, MalformedError)


def test_the_sample_images_without_an_end_marker_are_shown() -> None:
    for name in ("jpg", "jp2"):
        shown = show(shared(f"data/cases/images/without-end-marker.{name}").read_bytes())
        whole = to_png(shared(f"data/cases/images/whole.{name}").read_bytes())
        assert "ends early" in shown.quirk
        assert shown.png == whole


def test_a_decoder_that_crashes_affects_one_image(monkeypatch: pytest.MonkeyPatch) -> None:
    image = FORMATS["JPEG"]
    before = to_png(image)
    process = decoder.DECODER.process_id
    for status in (-signal.SIGSEGV, 3):
        monkeypatch.setattr(
            decoder.DECODER, "ask", lambda *_, status=status: (Status.DIED, b"%d" % status)
        )
        with pytest.raises(MalformedError, match=rf"ended its decoder \(status {status}\)"):
            to_png(image, "face")
        monkeypatch.undo()
    assert to_png(image) == before
    assert decoder.DECODER.process_id == process


@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGKILL, None])
def test_the_end_of_a_child_is_an_answer(how: signal.Signals | None) -> None:
    def astray(*_: object) -> tuple[Status, bytes]:
        if how is not None:
            os.kill(os.getpid(), how)
        os._exit(7)

    status, answer = answer_in_a_child(astray, LIMITS, 0, b"")
    assert status is Status.DIED
    assert int(answer) == (7 if how is None else -how)


def test_memory_and_time_of_a_child_are_limited() -> None:
    def greedy(*_: object) -> tuple[Status, bytes]:
        return Status.DONE, bytes(8 * LIMITS.memory)

    def forever(*_: object) -> tuple[Status, bytes]:
        while True:
            pass

    assert answer_in_a_child(greedy, LIMITS, 0, b"")[0] is Status.DIED
    status, answer = answer_in_a_child(forever, LIMITS, 0, b"")
    assert status is Status.DIED
    assert int(answer) in {-signal.SIGXCPU, -signal.SIGKILL}


def test_an_oversized_answer_is_reported_as_died() -> None:
    def talkative(*_: object) -> tuple[Status, bytes]:
        return Status.DONE, bytes(MAX_ANSWER + (1 << 20))

    assert answer_in_a_child(talkative, LIMITS, 0, b"")[0] is Status.DIED


def test_a_child_cannot_write_to_the_streams_of_its_parent() -> None:
    def loud(*_: object) -> tuple[Status, bytes]:
        os.write(1, b"a forged answer")
        return Status.DONE, str(os.isatty(1)).encode() + os.read(0, 10)

    assert answer_in_a_child(loud, LIMITS, 0, b"") == (Status.DONE, b"False")


def test_a_lost_process_is_replaced() -> None:
    before = to_png(FORMATS["JPEG"])
    lost = decoder.DECODER.process_id
    assert lost is not None
    os.kill(lost, signal.SIGKILL)
    time.sleep(0.05)
    try:
        after = to_png(FORMATS["JPEG"])
    except MalformedError:  # the process had not ended yet
        after = to_png(FORMATS["JPEG"])
    assert after == before
    assert decoder.DECODER.process_id != lost


@pytest.mark.parametrize("size", [1_000, 3_000_000])  # in the pipe, and far more than it holds
def test_a_process_that_hangs_is_ended(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    to_png(FORMATS["JPEG"])
    hanging = decoder.DECODER.process_id
    assert hanging is not None
    os.kill(hanging, signal.SIGSTOP)
    monkeypatch.setattr(standing_process, "PATIENCE", 0.2)
    with pytest.raises(MalformedError, match=r"face.*takes too long"):
        to_png(FORMATS["JPEG"] + bytes(size), "face")
    with pytest.raises(ProcessLookupError):
        os.kill(hanging, 0)
    monkeypatch.undo()
    assert to_png(FORMATS["JPEG"])


def test_a_fork_starts_its_own_decoder() -> None:
    before = to_png(FORMATS["JPEG"])
    ours = decoder.DECODER.process_id
    child = os.fork()
    if child == 0:
        own = to_png(FORMATS["JPEG"]) == before and decoder.DECODER.process_id != ours
        decoder.DECODER.stop()
        os._exit(0 if own else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert to_png(FORMATS["JPEG"]) == before
    assert decoder.DECODER.process_id == ours


def test_threads_share_the_decoder() -> None:
    images = list(FORMATS.values())
    expected = [to_png(image) for image in images]
    found: dict[int, bool] = {}

    def decode_all(number: int) -> None:
        found[number] = [to_png(image) for image in images] == expected

    threads = [threading.Thread(target=decode_all, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict.fromkeys(range(4), True)


def test_decoding_is_faster_than_starting_an_interpreter() -> None:
    def seconds(new: bool) -> float:
        if new:
            decoder.DECODER.stop()
        before = time.perf_counter()
        to_png(FORMATS["JPEG"])
        return time.perf_counter() - before

    assert min(seconds(False) for _ in range(5)) < min(seconds(True) for _ in range(3)) / 3


FORKED = """
import os, sys, threading
from emrtd.biometrics.images import decoder
from emrtd.biometrics.images.png import to_png

PNG = bytes.fromhex("89504E47")
image = sys.stdin.buffer.read()
kept_open, inherited = os.pipe()
if sys.argv[1] == "threads":
    stop = threading.Event()
    threading.Thread(target=stop.wait).start()
decoder.DECODER.fork()
forked = decoder.DECODER.process_id
os.close(inherited)
if sys.argv[1] == "threads":
    stop.set()
    print(forked is None)
else:
    print(os.read(kept_open, 1) == b"" and os.getsid(forked) == forked)
print(to_png(image).startswith(PNG) and forked in (None, decoder.DECODER.process_id))
decoder.DECODER.stop()
decoder.DECODER.fork()
print(decoder.DECODER.process_id not in (None, forked) and to_png(image).startswith(PNG))
"""


ENDED = """
from emrtd.biometrics.images.decoder import DECODER
for _ in range(100):
    DECODER.fork()
    DECODER.stop()
DECODER.fork()
"""


def test_a_fork_that_has_hardly_begun_is_ended() -> None:
    subprocess.run((sys.executable, "-c", ENDED), check=True, timeout=60)


@pytest.mark.parametrize("threads", ["one thread", "threads"])
def test_a_program_with_one_thread_forks_its_decoder(threads: str) -> None:
    done = subprocess.run(
        (sys.executable, "-c", FORKED, threads),
        input=FORMATS["JPEG 2000"], capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [b"True"] * 3


ONCE = """
import os, signal, sys
from emrtd.biometrics.images import decoder, decoding_process
from emrtd.biometrics.images.serving import Status

image = sys.stdin.buffer.read()
kept_open, inherited = os.pipe()
works = {
    "decode": decoding_process.answer,
    "crash": lambda *_: os.kill(os.getpid(), signal.SIGSEGV),
    "fail": lambda *_: 1 // 0,
    "spin": lambda *_: any(iter(int, 1)),
    "eat": lambda *_: (Status.DONE, bytes(1 << 30)),
}
decoding_process.answer = works[sys.argv[1]]
decoder.DECODER.fork(once=True)
forked = decoder.DECODER.process_id
os.close(inherited)
print(os.read(kept_open, 1) == b"" and os.getsid(forked) == forked)
octets = decoding_process.LENGTH.pack(len(image)) + image
print(*decoder.DECODER.ask(decoding_process.Mode.LOOK, octets))
print(decoder.DECODER.process_id is None and not os.path.exists(f"/proc/{forked}"))
print(decoder.looked_at([image]) == [""] and decoder.DECODER.process_id not in (None, forked))
"""
"""A decoder that answers once: what it inherits, its answer, that it is gone, and the next one."""


@pytest.mark.parametrize(
    ("work", "answer"),
    [
        ("decode", b"0 b'\\x00\\x00\\x00\\x00\\x00'"),
        ("crash", b"2 b'-11'"),
        ("fail", b"2 b'2'"),
        ("spin", b"2 b'-24'"),
        ("eat", b"2 b'2'"),
    ],
)
def test_a_decoder_that_answers_once_is_limited_as_the_others_are(work: str, answer: bytes) -> None:
    done = subprocess.run(
        (sys.executable, "-c", ONCE, work),
        input=FORMATS["JPEG"], capture_output=True, check=True,
    )  # fmt: skip
    inherited, found, gone, next_one = done.stdout.splitlines()
    assert found == answer
    assert inherited == gone == next_one == b"True"


def test_many_images_are_looked_at_in_one_child(monkeypatch: pytest.MonkeyPatch) -> None:
    jpeg, broken = FORMATS["JPEG"], FORMATS["JPEG 2000"][:200]
    cut = jpeg[: len(jpeg) * 3 // 4]
    images = [jpeg, cut, broken, b"no image", FORMATS["WSQ"], cut, jpeg]
    modes: list[int] = []
    ask = decoder.DECODER.ask

    def watched(mode: int, octets: bytes) -> tuple[Status, bytes]:
        modes.append(mode)
        return ask(mode, octets)

    monkeypatch.setattr(decoder.DECODER, "ask", watched)
    found = look(images)
    assert [type(each) for each in found] == [
        str, str, MalformedError, MalformedError, str, str, str
    ]  # fmt: skip
    assert [bool(each) for each in found] == [False, True, True, True, False, True, False]
    assert modes == [Mode.LOOK]


@pytest.mark.parametrize("nonsense", [b"", b"\x00", b"\x00\xff\xff\xff\xff", b"\x07" * 40])
def test_an_image_that_ends_its_child_spoils_no_other(
    nonsense: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile, sound = FORMATS["PNG"], FORMATS["JPEG"]
    ask = decoder.DECODER.ask

    def dying(mode: int, octets: bytes) -> tuple[Status, bytes]:
        if hostile in octets:
            return (Status.DONE, nonsense) if nonsense else (Status.DIED, b"-11")
        return ask(mode, octets)

    monkeypatch.setattr(decoder.DECODER, "ask", dying)
    first, second, third = look([sound, hostile, sound])
    assert first == third == ""
    assert isinstance(second, MalformedError)


JPEG, HOSTILE = FORMATS["JPEG"], FORMATS["PNG"]
OF_EACH = [[JPEG], [], [JPEG[: len(JPEG) * 3 // 4], FORMATS["WSQ"]], [b"no image"], [HOSTILE, JPEG]]
"""The images of documents that are looked at together."""


SERVING = """
import sys
from itertools import count
from emrtd.biometrics.images import serving

clock = {"still": lambda: 1.0, "runs": count(1).__next__}[sys.argv[1]]
serving.monotonic = clock
serving.answer_in_a_child = lambda *_: (serving.Status.DONE, b"answer")
serving.serve(None, None)
"""


@pytest.mark.parametrize(("clock", "sent"), [("still", [3]), ("runs", [1, 1, 1])])
def test_answers_are_held_while_requests_wait_but_not_for_long(clock: str, sent: list[int]) -> None:
    request = FRAME.pack(0, 15_000) + bytes(15_000)
    requests, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(3 * request)  # all of them wait before the first is read
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs, os.fdopen(requests, "rb") as waiting:
            subprocess.run(
                (sys.executable, "-c", SERVING, clock),
                stdin=waiting,
                stdout=theirs.fileno(),
                check=True,
            )
        packets = list(iter(lambda: ours.recv(1_000), b""))
    answer = FRAME.pack(Status.DONE, 6) + b"answer"
    assert packets == [answer * count for count in sent]


def said(found: list[str | MalformedError]) -> list[str]:
    return [str(each) for each in found]


def test_images_of_documents_are_looked_at_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [said(look(images)) for images in OF_EACH]
    process = decoder.DECODER.process_id
    with monkeypatch.context() as patched:
        patched.delattr(standing_process.StandingProcess, "ask")
        assert list(map(said, look_each(OF_EACH))) == expected
        large = [[JPEG + bytes(2_000_000)]] * 3  # more than the pipe holds
        assert [each == [""] for each in look_each(large)] == [True] * 3
        assert look_each([]) == []
    assert decoder.DECODER.process_id == process


def test_a_child_that_dies_spoils_no_other_document(monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(self: object, mode: int, requests: Iterable[bytes]) -> list[tuple[Status, bytes]]:
        found = ask_each(self, mode, requests)  # type: ignore[arg-type]
        return [(Status.DIED, b"-11"), (Status.DONE, b"\x07" * 40), *found[2:]]

    expected = [said(look(images)) for images in OF_EACH]
    ask_each = standing_process.StandingProcess.ask_each
    monkeypatch.setattr(standing_process.StandingProcess, "ask_each", dying)
    assert list(map(said, look_each(OF_EACH))) == expected


@pytest.mark.parametrize("lost_by", [signal.SIGKILL, signal.SIGSTOP, None])
def test_documents_are_looked_at_anew_if_the_process_is_lost(
    lost_by: signal.Signals | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [said(look(images)) for images in OF_EACH]
    before = decoder.DECODER.process_id
    assert before is not None
    ask_each = decoder.DECODER.ask_each

    def losing(mode: int, requests: Iterable[bytes]) -> list[tuple[Status, bytes]]:
        if lost_by is not None:
            os.kill(before, lost_by)
            return ask_each(mode, requests)
        with monkeypatch.context() as patched:  # an answer that is none
            patched.setattr(standing_process, "MAX_ANSWER", 0)
            return ask_each(mode, requests)

    monkeypatch.setattr(decoder.DECODER, "ask_each", losing)
    with monkeypatch.context() as impatient:
        if lost_by is signal.SIGSTOP:
            impatient.setattr(standing_process, "_exchange", briefly)
        assert list(map(said, look_each(OF_EACH))) == expected
    assert decoder.DECODER.process_id != before


def briefly(*arguments: Any) -> list[tuple[Status, bytes]]:
    """Exchange with little patience; a machine that is busy may take longer to start anew."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(standing_process, "PATIENCE", 0.2)
        return list(exchange(*arguments))


exchange = standing_process._exchange


@pytest.mark.parametrize("kind", FORMATS)
def test_pixels_are_those_of_the_png(kind: str) -> None:
    (found,) = to_pixels([FORMATS[kind]])
    assert isinstance(found, DecodedPixels)
    shape = (found.height, found.width, found.channels)
    octets = np.frombuffer(found.octets, np.uint8).reshape(shape).squeeze()
    assert np.array_equal(octets, pixels(to_png(FORMATS[kind])))


def test_pixels_are_of_whole_images_only() -> None:
    jpeg = FORMATS["JPEG"]
    first, cut, third = to_pixels([jpeg, jpeg[: len(jpeg) // 2], FORMATS["WSQ"]])
    assert isinstance(cut, MalformedError)
    assert isinstance(first, DecodedPixels)
    assert isinstance(third, DecodedPixels)
    assert to_pixels([]) == []


@pytest.mark.parametrize(
    "answer",
    [b"", b"\x03" + bytes(8), b"\x03" + bytes(7) + b"\x01" * 4, b"\x02\0\0\0\1\0\0\0\1ab"],
)
def test_pixels_of_another_size_than_stated_are_refused(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = FRAME.pack(Status.DONE, len(answer)) + answer
    monkeypatch.setattr(decoder.DECODER, "ask", lambda *_: (Status.DONE, whole))
    (found,) = to_pixels([FORMATS["JPEG"]])
    assert isinstance(found, MalformedError)
