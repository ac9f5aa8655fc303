"""The keys of the PKI: in files, in an HSM, and at personalisation stations."""
