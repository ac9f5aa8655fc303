"""The inspection procedure: open a chip, read its files, and ask for its proofs.

The procedure judges nothing: it records a failure as evidence and goes on with the next step.
"""

from verify.inspection.procedure import capture, inspect

__all__ = ["capture", "inspect"]
