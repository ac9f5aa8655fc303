"""The commands of a chip of the kind `jmrtd-applet`: those of the JMRTD passport applet."""
