"""Face, finger and iris data blocks of ISO/IEC 39794-5, -4 and -6, in both of their forms.

ICAO's application profile of part 5 and the base standards of all three parts encode enumerations
differently (see `Coded` in common.asn1).  Both forms are read and written.
"""
