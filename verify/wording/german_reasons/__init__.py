"""The reasons of checks and faults in German; the keys are their English texts.

A text that is missing here is the same in both languages: see `SAME`.
"""

from typing import Final

from verify.wording.german_reasons import biometrics, certificates, checks, chip, files, protocols

REASONS: Final = {
    **checks.TEXTS,
    **chip.TEXTS,
    **certificates.TEXTS,
    **protocols.TEXTS,
    **files.TEXTS,
    **biometrics.TEXTS,
}

SAME: Final = frozenset(
    {
        " ({failures})", " ({number})", " ({refusal})",
        "Active Authentication", "Chip Authentication", "Terminal Authentication",
        "JPEG 2000", "MSE:Set AT", "MSE:Set DST", "MSE:Set KAT",
        "PSO:Verify Certificate", "SCPD PCU",
        "{id}: {explanation}", "{id}: {reason}", "{no_status}: {answer}", "{no_status}: {error}",
        "{outcome}: {reason}", "{reason}; {unproven}", "{text}; {unproven}",
    }
)  # fmt: skip
"""Names of the standard, and texts of fields alone."""
