"""Decode untrusted images in another process, that of `decoding_process`."""

from typing import Final

from emrtd.biometrics.images.decoding_process import Mode
from emrtd.biometrics.images.serving import Status
from emrtd.biometrics.images.standing_process import LostError, StandingProcess
from support.errors import MalformedError

DECODER: Final = StandingProcess("emrtd.biometrics.images.decoding_process")


def decoded(image: bytes, mode: Mode, what: str) -> tuple[bytes, str]:
    """Decode an image in the other process; return a PNG, and the quirk that was read past.

    Raises `MalformedError`, which names `what`, if the image cannot be decoded.
    """
    with DECODER.lock:
        try:
            status, answer = DECODER.ask(mode, image)
        except LostError as problem:
            raise MalformedError(what, f"cannot be decoded: the decoder {problem}") from None
    if status is Status.MALFORMED:
        raise MalformedError(what, answer.decode(errors="replace"))
    if status is Status.DIED:
        reason = f"ended its decoder (status {answer.decode('ascii', 'replace')})"
        raise MalformedError(what, reason)
    quirk, _, png = answer.partition(b"\0")
    return png, quirk.decode(errors="replace")
