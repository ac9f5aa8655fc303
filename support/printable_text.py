"""Text that others wrote, on its way to a person's screen."""


def printable(text: str) -> str:
    """Text from a chip, a certificate or a file's name without what would act on a screen.

    Control characters, those that reorder or hide others, and octets of a file's name that are no
    text become U+FFFD.
    """
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
