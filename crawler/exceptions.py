"""Everything the crawler raises on purpose. ``exit_code`` is what `scrapy crawl` ends with."""


class CrawlError(Exception):
    """Base class; the message is one line for people."""

    exit_code = 1
    attempts = 1
    """Requests it took."""
    capture_id: int | None = None
    """The kept response that shows it."""
    url: str | None = None
    """The address that was asked; set by the spider's fetch()."""


class BadUsage(CrawlError):
    """A wrong argument or site file. Raised by site.py and arguments.py before anything is fetched."""

    exit_code = 2


class MarkupChanged(CrawlError):
    """A selector found nothing, or no template version fits. Raised by pages/; the article fails."""

    exit_code = 3


class Blocked(CrawlError):
    """The server answered with a verification or block page. Made by blocking.py; never evaded."""

    exit_code = 4


class Gone(CrawlError):
    """404, 410, a soft 404, or a redirect to the home or 404 page. Made by blocking.py.

    ``how``: which of them, as a withdrawal's evidence names it: 404, 410, soft 404, redirect.
    """

    exit_code = 3

    def __init__(self, reason: str, how: str = "404") -> None:
        super().__init__(reason)
        self.how = how


class Incomplete(CrawlError):
    """A further part of an article, or the document that holds its text, is missing. Raised by parts.py."""

    exit_code = 3


class Unavailable(CrawlError):
    """No usable answer after all attempts: 5xx, time-out, connection or TLS. Made by blocking.py, failures.py."""

    exit_code = 4


class Settled(CrawlError):
    """A harmless end: robots.txt excludes the address, or it leads off the site. Raised by spiders/columns.py."""

    exit_code = 4  # where it is the column itself

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


class QueueFailed(CrawlError):
    """The queue database does not answer, or another version made it. Raised by fleet/queue.py and plan.py."""

    exit_code = 5
