"""One text in the index."""

import zlib
from dataclasses import dataclass


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
