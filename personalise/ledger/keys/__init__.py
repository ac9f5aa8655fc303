"""The keys of a ledger: what it needs of them, and where they lie."""
