"""What the commands share and the standard does not define; it imports nothing else of ours."""
