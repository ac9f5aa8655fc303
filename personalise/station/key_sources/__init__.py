"""Where the station has the transport keys of blank cards from."""
