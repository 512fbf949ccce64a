"""One text in the index."""

import zlib
from dataclasses import dataclass

SEARCHED = ("subtitle", "byline", "author", "unit", "editor_note", "body_text")
"""What the body of an article's or a version's document is made of, besides its title."""


@dataclass(frozen=True)
class Document:
    """Title and body, folded; the body begins with the other searched fields, one a line."""

    id: int
    """The article's id, or the negative id of search_documents"""
    title: str
    body: str

    @property
    def checksum(self) -> int:
        """CRC-32 over both."""
        return zlib.crc32(f"{self.title}\n{self.body}".encode("utf-8", "surrogatepass"))
