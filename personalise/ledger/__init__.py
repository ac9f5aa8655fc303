"""The ledger of the personalisation line: jobs, cards, and every step taken with them."""
