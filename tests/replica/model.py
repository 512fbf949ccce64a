"""The words of the replica: what the site consists of, and the truth tests compare with."""

from dataclasses import dataclass, field
from typing import NamedTuple


class AuthorTruth(NamedTuple):
    """One author as a reader would enter them by hand; parts the byline does not name are empty."""

    name: str
    unit: str = ""
    position: str = ""
    role: str = "作者"


@dataclass(slots=True)
class Expected:
    """The truth about one article, as a careful person would take it from the page."""

    path: str
    """The address a column lists; key of ``Replica.expected``."""
    column_id: str
    """The column it belongs to (it may be listed in a second one)."""
    markup: str
    """T1, T2, T3, T4, TRS or JCMS."""
    encoding: str
    """utf-8 or gb18030: what the bytes really are."""
    title: str
    subtitle: str
    byline: str
    """As printed, white space collapsed; the lines of several authors joined by one blank."""
    authors: list[AuthorTruth]
    breadcrumb: list[str]
    source: str
    content_type: str
    published_at: str | None
    """ISO 8601 to the precision printed; from the listing where the page prints none; None where neither does."""
    paragraphs: list[str]
    """As published: white space collapsed, indents dropped, one entry a table row with tabs between the cells."""
    editor_note: str
    images: list[str]
    """Paths (with query) of the pictures, in order."""
    attachments: list[tuple[str, str]]
    """(path with query, printed name) in order."""
    listed_title: str
    listed_date: str | None
    """ISO 8601; None where the listing prints none."""
    redirect: str | None = None
    """Where the listed page sends the reader by script; the article is there."""
    duplicate_of: str | None = None
    """Path of the article with the same title and text, published earlier."""

    @property
    def final_path(self) -> str:
        """The address the article itself is read from."""
        return self.redirect or self.path


@dataclass(slots=True)
class Entry:
    """One ``li`` of a column's listing."""

    kind: str
    """article, external, attachment, nolink or private (forbidden by robots.txt)."""
    title: str
    date: str
    """Wall time ``YYYY-MM-DD HH:MM:SS``; what is printed of it depends on ``date_form``."""
    path: str = ""
    """The path on this host; empty for other hosts and for entries without an address."""
    href: str | None = None
    """Printed as it stands; None: written from ``path`` in the form ``link_form``."""
    index: int | None = None
    """The article's number."""
    link_form: str = "root"
    date_form: str = "day"
    text_form: str = "full"
    repeated: bool = False
    """The second mention of an article: doubled in its column, or listed in a second column too."""


@dataclass(slots=True)
class ReplicaColumn:
    """A column of the site."""

    id: str
    name: str
    path: str
    """Path of its first listing page."""
    printed_name: str
    """The name as navigation and breadcrumb print it: spaced out, with various blanks."""
    past_end: str
    """What pages after the last bring (generations before T4): last, first or empty."""
    box: str
    """Class of the section around the list."""
    folder: str
    """The first part of its article addresses."""
    parent: str = ""
    """Name of the section above it in the breadcrumb, if any."""
    from_api: bool = True
    """T4: listed through the interface; else rendered into the page."""
    entries: list[Entry] = field(default_factory=list)
    """Newest first."""


@dataclass(slots=True, frozen=True)
class RequestLog:
    """One request the server has seen."""

    time: float
    """time.monotonic() at its arrival."""
    method: str
    path_qs: str
    status: int
    """0 where no complete answer was sent (reset, timeout, …)."""
    headers: dict[str, str]


@dataclass(slots=True)
class Reply:
    """An answer before it is sent."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = ""
    modified: float = 0.0
    """Seconds since the epoch; 0: no Last-Modified."""
    obeys_conditions: bool = True
    gzip: bool = False
    """Send compressed even to those who did not ask."""


class UnknownPath(Exception):
    """No page of the site has this address. Raised inside the replica only; readers get a 404."""
