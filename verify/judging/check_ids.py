"""The stable ids of the checks, which scripts rely on, and named sets of them."""

from typing import Final

CHECK_IDS: Final = (
    "lds.structure",
    "com.consistent",
    "sod.signature",
    "sod.profile",
    "ds.chain",
    "ds.validity",
    "ds.profile",
    "ds.revocation",
    "dg.hash",
    "lds.images",
    "mrz.check-digits",
    "mrz.matches-optical",
    "mrz.matches-details",
    "document.expired",
    "document.stop-list",
    "access.downgrade",
    "cardsecurity.signature",
    "chip.authentication",
    "active.authentication",
    "pace.cam",
    "terminal.authentication",
    "chip.life-cycle",
    "issuer.consistent",
    "algorithm.strength",
    "deviation.list",
)
"""The ids of the checks, in the order of a report; dg.hash stands for dg.hash.DG1 and so on."""

FLOOR: Final = ("sod.signature", "ds.chain", "dg.hash")
"""The checks that every policy must make mandatory: without them no data of the chip is known to be
signed by a State (Doc 9303-11, 5.1)."""

SIGNER_PROOFS: Final = ("sod.signature", "ds.chain")
"""The checks that together show that a State has signed EF.SOD."""

CLONE_PROOFS: Final = ("chip.authentication", "active.authentication", "pace.cam")
"""The proofs against cloning: if any of them passed, the chip is not a copy
(TR-03135-1, 5.6.4.1)."""
