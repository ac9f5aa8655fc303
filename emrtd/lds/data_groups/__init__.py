"""The data groups DG1 to DG16, one module each (Doc 9303-10, 4.7)."""
