"""What is signed over the files of a chip, and what tells how to open it."""
