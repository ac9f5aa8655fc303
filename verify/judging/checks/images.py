"""lds.images: whether the images can be shown, to compare the holder with (Doc 9303-10, 4.7.2).

An image that cannot be shown is a mistake of the issuer, not a forgery.  It is a warning, which the
policies that ship refer: an officer cannot compare the holder without a face.
"""

from collections.abc import Iterator
from typing import Final

from emrtd.pki.findings import Check, Outcome
from support.reasons import Reason, joined
from verify.judging.checks.case import Case, Earlier, passed
from verify.judging.quirks import quirks_of_file

CHECK_ID: Final = "lds.images"
CLAUSE: Final = "Doc 9303-10, 4.7.2 to 4.7.4"


def check_images(case: Case, _: Earlier) -> Iterator[Check]:
    """Check that every image of DG2, DG3 and DG4 that was read can be shown."""
    yield _images(case)


def _images(case: Case) -> Check:
    if case.images is None:
        return Check(CHECK_ID, Outcome.NOT_PERFORMED, "no image was decoded", CLAUSE)
    looks = [(file_id, look) for file_id, found in case.images.items() for look in found]
    if not looks:
        return Check(CHECK_ID, Outcome.NOT_PRESENT, "no image was read", CLAUSE)
    objections = [
        Reason(
            "{file}: {image} {objection}", file=file_id, image=each.name, objection=each.objection
        )
        for file_id, each in looks
        if each.objection
    ]
    quirks = [
        quirk
        for file_id, each in looks
        if each.quirk
        for quirk in quirks_of_file(
            file_id, (Reason("{image} {quirk}", image=each.name, quirk=each.quirk),)
        )
    ]
    if objections:
        reason = joined("; ", objections)
        return Check(CHECK_ID, Outcome.WARNING, reason, CLAUSE, tolerated=tuple(quirks))
    count = len(looks)
    one = count == 1
    reason = "1 image decoded" if one else Reason("{count} images decoded", count=count)
    return passed(case, CHECK_ID, reason, CLAUSE, quirks)
