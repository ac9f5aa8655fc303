"""Virtual readers: in this process, and in a pcscd of our own."""
