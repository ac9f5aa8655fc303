"""PC/SC readers: a card held against other programs, and events of readers and cards."""
