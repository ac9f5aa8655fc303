"""The eMRTD standard (ICAO Doc 9303), for both sides of the wire."""
