"""The ids of the checks, which others script against, and what each set of them stands for."""

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
    "document.expired",
    "access.downgrade",
    "cardsecurity.signature",
    "chip.authentication",
    "active.authentication",
    "pace.cam",
    "terminal.authentication",
    "issuer.consistent",
    "algorithm.strength",
    "deviation.list",
)
"""The stable ids of the checks, in the order of a report; dg.hash stands for dg.hash.DG1 ..."""

FLOOR: Final = ("sod.signature", "ds.chain", "dg.hash")
"""What every policy makes mandatory: without these nothing that a chip says is anybody's word
(Doc 9303-11, 5.1)."""

SIGNER_PROOFS: Final = ("sod.signature", "ds.chain")
"""The checks that together make EF.SOD a statement of the issuing State."""

CLONE_PROOFS: Final = ("chip.authentication", "active.authentication", "pace.cam")
"""The proofs against cloning: any one that passed shows that the chip is no copy
(TR-03135-1, 5.6.4.1)."""
