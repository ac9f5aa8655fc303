"""The state of a PKI, as an officer or a monitoring system sees it; no secret is needed."""
