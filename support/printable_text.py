"""Making text from outside safe to print on a terminal."""


def printable(text: str) -> str:
    """Return the text with every character that is not printable replaced by U+FFFD.

    These are control characters, characters that reorder or hide others, and octets of a file name
    that are not text.  Text of a chip, a certificate or a file name may contain them.
    """
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def one_line(text: str) -> str:
    """Return the text as one line, with every character that is not printable replaced."""
    return printable(" ".join(text.split()))


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, whose plural ends in s: "1 document", "2,000 documents"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
