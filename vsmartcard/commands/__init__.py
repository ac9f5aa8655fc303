"""The command `vsmartcard`."""
