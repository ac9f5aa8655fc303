"""Judging many LDS images: found in folders and zips, judged by many processes, a row for each."""
