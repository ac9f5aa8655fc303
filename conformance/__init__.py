"""The conformity tests of BSI TR-03105 as data and procedures, for any card and any reader.

`case` is what a case and its result are, `running` runs cases, `output` shows results, `document`
writes them into docs/conformance.md.  `chip` holds the cases of part 3.2, `reader` those of
part 5.1.
"""
