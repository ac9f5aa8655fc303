"""Decode untrusted images in another process, that of `decoding_process`."""

from collections.abc import Sequence
from struct import error as StructError  # noqa: N812
from typing import Final, NamedTuple

from emrtd.biometrics.images.decoding_process import LENGTH, PIXELS_HEAD, Mode
from emrtd.biometrics.images.serving import FRAME, Status
from emrtd.biometrics.images.standing_process import LostError, StandingProcess
from support import reasons
from support.errors import MalformedError
from support.reasons import Reason

DECODER: Final = StandingProcess("emrtd.biometrics.images.decoding_process")


_IMAGE: Final = "image"
_NONSENSE: Final = "made its decoder answer nonsense"


def decoded(image: bytes, mode: Mode, what: str) -> tuple[bytes, str]:
    """Decode an image in the other process; return a PNG, and the quirk that was read past.

    Raises `MalformedError`, which names `what`, if the image cannot be decoded.
    """
    status, answer = _ask(mode, image, what)
    if status is not Status.DONE:
        raise _failure(status, answer, what)
    quirk, _, png = answer.partition(b"\0")
    return png, quirk.decode(errors="replace")


class DecodedPixels(NamedTuple):
    """A picture: `channels` octets for each of width x height pixels, row by row from the top."""

    channels: int
    width: int
    height: int
    octets: bytes


def looked_at(images: Sequence[bytes]) -> list[str | MalformedError]:
    """Decode images in the other process; return the quirk of each, or why it cannot be decoded."""
    return [_quirk(each) for each in _each(Mode.LOOK, images)]


def each_looked_at(documents: Sequence[Sequence[bytes]]) -> list[list[str | MalformedError]]:
    """Return what `looked_at` returns for the images of each document.

    Each document has a child of its own, as with `looked_at`, but nobody waits for the answers in
    between: that takes this process half as much time as the judgement of a document.
    """
    asked = [images for images in documents if images]
    with DECODER.lock:
        answers = DECODER.ask_each(Mode.LOOK, map(_several, asked))
    found: list[list[bytes | MalformedError]] = []
    for images, (status, answer) in zip(asked, answers, strict=False):
        try:
            found.append(_results(status, answer, len(images)))
        except MalformedError:
            found.append(_each(Mode.LOOK, images))
    found += (_each(Mode.LOOK, images) for images in asked[len(found) :])
    each = iter(found)
    return [[_quirk(result) for result in next(each)] if images else [] for images in documents]


def pixels_of(images: Sequence[bytes]) -> list[DecodedPixels | MalformedError]:
    """Decode whole images in the other process; return each, or why it cannot be decoded."""
    return [
        each if isinstance(each, MalformedError) else _picture(each)
        for each in _each(Mode.PIXELS, images)
    ]


def _quirk(answer: bytes | MalformedError) -> str | MalformedError:
    return answer if isinstance(answer, MalformedError) else answer.decode(errors="replace")


def _picture(answer: bytes) -> DecodedPixels | MalformedError:
    octets = answer[PIXELS_HEAD.size :]
    if len(answer) > PIXELS_HEAD.size:
        channels, width, height = PIXELS_HEAD.unpack(answer[: PIXELS_HEAD.size])
        if channels in {1, 3} and channels * width * height == len(octets):
            return DecodedPixels(channels, width, height, octets)
    return MalformedError(_IMAGE, _NONSENSE)


def _each(mode: Mode, images: Sequence[bytes]) -> list[bytes | MalformedError]:
    """Return the result of each image, or the error that it caused.

    One child decodes all of them; if one of them ends it, each gets a child of its own.
    """
    if not images:
        return []
    try:
        status, answer = _ask(mode, _several(images), _IMAGE)
        return _results(status, answer, len(images))
    except MalformedError as failure:
        alone = len(images) == 1
        return [failure] if alone else [found for each in images for found in _each(mode, [each])]


def _several(images: Sequence[bytes]) -> bytes:
    return b"".join(LENGTH.pack(len(each)) + each for each in images)


def _results(status: Status, answer: bytes, count: int) -> list[bytes | MalformedError]:
    """Return the result for each image; raises `MalformedError` if their child did not answer."""
    if status is not Status.DONE:
        raise _failure(status, answer, _IMAGE)
    return [
        result if each is Status.DONE else _failure(each, result, _IMAGE)
        for each, result in _split(answer, count)
    ]


def _split(answer: bytes, count: int) -> list[tuple[Status, bytes]]:
    """Return status and result for each image; raises `MalformedError` for another answer."""
    found, position = [], 0
    try:
        for _ in range(count):
            start = position + FRAME.size
            status, length = FRAME.unpack(answer[position:start])
            position = start + length
            found.append((Status(status), answer[start:position]))
    except (StructError, ValueError):
        position = -1
    if position != len(answer):
        raise MalformedError(_IMAGE, _NONSENSE)
    return found


def _ask(mode: Mode, octets: bytes, what: str) -> tuple[Status, bytes]:
    with DECODER.lock:
        try:
            return DECODER.ask(mode, octets)
        except LostError as problem:
            raise MalformedError(
                what, Reason("cannot be decoded: the decoder {problem}", problem=str(problem))
            ) from None


def _failure(status: Status, answer: bytes, what: str) -> MalformedError:
    if status is Status.MALFORMED:
        return MalformedError(what, reasons.decode(answer))
    return MalformedError(
        what,
        Reason("ended its decoder (status {answer})", answer=answer.decode("ascii", "replace")),
    )
