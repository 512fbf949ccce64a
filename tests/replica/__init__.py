"""A deterministic demonstration copy of the site, served on loopback: what the crawler is tested and shown on.

The forms of pages, addresses and answers follow what is publicly known of the real site; the prose is invented.
Start reading at server.py (the outside), then site.py (what the site consists of), content.py (one article),
render_t3.py and render_t4.py (its markup), variations.py (which article shows which peculiarity).
"""

from tests.replica.model import Entry, Expected, ReplicaColumn, RequestLog
from tests.replica.server import Replica

__all__ = ["Entry", "Expected", "Replica", "ReplicaColumn", "RequestLog"]
