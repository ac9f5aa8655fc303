"""A whole inspection with chips of 2010, 2018 and 2026 at 424 kbit/s, in virtual time.

The time is that of link and chip, which the model of `vsmartcard.timing` gives; it is the same on
every machine, and grows with the commands and octets of an inspection.
"""

from datetime import UTC, datetime

from bench.timing import Ratio
from emrtd.access.passwords import Password
from emrtd.iso7816.procedure import run
from emrtd.specimens import make_specimen
from vsmartcard.card.timed.layer import Timing
from vsmartcard.reader.specimens import state_of
from vsmartcard.timing.profile import read_timing

_SECONDS = {"2010": 9.2, "2018": 3.0, "2026": 1.75}
"""What an inspection may take, by the chip."""


def measure() -> list[Ratio]:
    """Inspect a passport with portrait, fingerprints and all proofs with each chip."""
    from verify.inspection import inspect
    from verify.inspection.opening import Credentials

    made = make_specimen("passport", datetime(2026, 1, 1, tzinfo=UTC))
    credentials = Credentials(mrz=Password.from_mrz_information(made.mrz.information))
    found = []
    for profile, limit in _SECONDS.items():
        timing = Timing(*read_timing(profile))
        card = timing.card(state_of(made))
        evidence = run(inspect(credentials, terminal=made.terminal), card.process, card.reset)
        assert dict(evidence.files) == made.files
        label = f"link and chip of {profile}, virtual seconds / {limit} s"
        found.append(Ratio(label, timing.time.total / limit, 1.0))
    return found
