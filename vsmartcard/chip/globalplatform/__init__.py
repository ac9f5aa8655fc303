"""SCP03 with the station, and the commands of a blank of the kind `globalplatform`."""
