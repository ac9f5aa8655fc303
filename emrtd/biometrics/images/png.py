"""Any image of an eMRTD as PNG, decoded where it cannot hurt."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from emrtd.biometrics.images.decoding_process import MAX_OCTETS, MAX_PIXELS, check_bounds
from emrtd.biometrics.images.headers import sniff
from support.errors import MalformedError

MAX_WAIT: Final = 10.0
"""Seconds to wait for the decoder on a busy machine; its processor time is bounded at 1 s."""

_MODULE: Final = "emrtd.biometrics.images.decoding_process"
_ROOT: Final = Path(__file__).resolve().parents[3]


def to_png(image: bytes, what: str = "image") -> bytes:
    """Decode a JPEG, JPEG 2000, PNG, WSQ or pixmap image and encode it as PNG, grey or colour.

    The decoders run in a process of their own, whose processor time (1 s) and memory (64 MB above
    its start) are bounded: a hostile image is a `MalformedError` and nothing else.  At most 4 MB
    and 3 million pixels are decoded; JPEG 2000 above 1.5 million comes at half its size.
    """
    header = sniff(image[: MAX_OCTETS + 1], what)
    check_bounds(image, header, MAX_PIXELS)
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(  # noqa: S603  # our own interpreter and module
            (sys.executable, "-m", _MODULE),
            input=image,
            capture_output=True,
            timeout=MAX_WAIT,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise MalformedError(what, "takes too long to decode") from None
    if done.returncode == 1 and done.stderr:
        raise MalformedError(what, done.stderr.decode(errors="replace").splitlines()[-1])
    if done.returncode != 0:
        raise MalformedError(what, f"ended its decoder (status {done.returncode})")
    return done.stdout
