"""How much a file may cost. Attachments are strangers' files: some are made to exhaust whoever opens them."""

CPU_SECONDS = 30
WALL_SECONDS = 60
MEMORY = 1 << 30
"""Bytes of address space."""
TEXT = 5_000_000
"""Characters kept of one file's text; what is beyond is cut off, with a reason."""
UNPACKED = 256 << 20
"""Bytes a zip container may unpack to."""
RATIO = 200
"""How many times larger than packed a member may be, where it unpacks to more than SMALL."""
SMALL = 8 << 20
MEMBERS = 10_000
"""Members of a zip container."""
CELLS = 2_000_000
"""Cells read of one workbook."""


class Unreadable(Exception):
    """The file has no text for us; the message is the reason kept. Raised by kinds.py and readers.py."""
