"""Card verifiable certificates of Terminal Authentication (TR-03110-3, C and D)."""
