"""What the commands share and the standard does not define; imports no other Chipseal package."""
