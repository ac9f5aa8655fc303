"""The only impure part of the standard: connections to cards, and a trace of what they say."""
