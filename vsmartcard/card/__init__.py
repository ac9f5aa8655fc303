"""What a reader needs of a card: its ATR, a reset, and answers to commands."""
