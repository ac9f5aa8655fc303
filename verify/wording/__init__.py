"""The catalogue: every text that an officer reads on the page, in each language.

A text has a key; its values are in braces.  `english` and `german` have the same keys and values,
which a test compares.

The reasons of checks and faults come from where they are found, as `support.reasons.Reason`: their
key is the English text, so that JSON and logs need no catalogue.  `german_reasons` has all others;
a test finds every reason in the source and compares.
"""

from verify.wording.catalogue import ENGLISH, LANGUAGES, Wording, wording_in

__all__ = ["ENGLISH", "LANGUAGES", "Wording", "wording_in"]
