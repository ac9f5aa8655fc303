"""The catalogue: every text that an officer reads on the page, in each language.

A text has a key; its values are in braces.  `english` and `german` have the same keys and values,
which a test compares.  The reasons of checks, with the terms of the standards, are in English only.
"""

from verify.wording.catalogue import ENGLISH, LANGUAGES, Wording, wording_in

__all__ = ["ENGLISH", "LANGUAGES", "Wording", "wording_in"]
