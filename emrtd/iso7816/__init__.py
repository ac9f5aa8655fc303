"""ISO/IEC 7816-4: commands and responses, procedures, secure messaging, files."""
