"""Making a release: `./run release`."""
