"""The issuing PKI of one State: its keys, its certificates, its officers and its log."""
