"""Virtual readers: in this process, and in pcscd."""
