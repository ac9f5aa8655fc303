"""Whether a portrait or a fingerprint is good enough, measured without a trained model."""
