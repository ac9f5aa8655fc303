"""Face, finger and iris records of ISO/IEC 19794-5, -4 and -6 in their first edition (2005)."""
