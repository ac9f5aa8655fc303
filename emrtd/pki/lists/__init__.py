"""Master Lists, Deviation Lists, Defect Lists, and LDIF (Doc 9303-12; TR-03129)."""
