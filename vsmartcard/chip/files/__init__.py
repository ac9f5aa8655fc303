"""The files of a chip: their content, who may read them, and how they are written."""
