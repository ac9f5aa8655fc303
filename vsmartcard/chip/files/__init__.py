"""The files of a chip: what they hold, who may read them, and how they are written."""
