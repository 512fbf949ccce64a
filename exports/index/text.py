"""Text as it is compared: folded, and cut into what the indexes hold."""

import unicodedata


def folded(text: str) -> str:
    """The text in the form in which it is compared: NFKC (full and half width are equal), lower case."""
    return unicodedata.normalize("NFKC", text).lower()


def squeezed(text: str) -> str:
    """Folded and without blanks: how names are compared."""
    return "".join(folded(text).split())
