"""The command `personalise`."""
