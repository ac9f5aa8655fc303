"""Cards that take the time of a chip and a link, virtual or real."""
