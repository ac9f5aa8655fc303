"""The Single Point of Contact: EAC certificates between States over SOAP (Doc 9303-12, 8)."""
