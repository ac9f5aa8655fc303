"""A virtual eMRTD chip, and the virtual reader it sits in."""
