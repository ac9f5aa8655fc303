"""The inspection procedure: opens a chip, reads what it may, has it prove what it can.

Nothing is judged here.  What fails is written down as evidence, and the next step is taken.
"""

from verify.inspection.procedure import capture, inspect

__all__ = ["capture", "inspect"]
