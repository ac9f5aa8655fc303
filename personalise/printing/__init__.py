"""What a printer is given for each card, and what it says that it has printed."""
