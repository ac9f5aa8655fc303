"""The personalisation line: a worker for each reader, which makes one card after the other."""
