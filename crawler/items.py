"""The item: every field once, typed, in the order of the contract.

Pages fill in what is printed; pipelines parse it. The archive itself assigns what is not here
(id, status, version, hashes, times).
"""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Author:
    """One author of an article; the parts a byline does not name are empty."""

    name: str
    """The person's name without inner blanks, or the organisation's name."""
    unit: str = ""
    """The body the author works for: 交流中心."""
    position: str = ""
    """The post or posts held there: 党委书记、主任."""
    role: str = "作者"
    """What the byline calls the author: 作者, 记者, 通讯员, 供稿人, 供稿单位, 图文, …"""


@dataclass(slots=True)
class Attachment:
    """A file (or an image) an article links to or shows."""

    url: str
    """The address it is fetched from."""
    name: str = ""
    """The printed name: link text, or an image's alternative text or caption."""
    sha256: str | None = None
    """Hex digest of the bytes; None while the file could not be fetched."""
    media_type: str = ""
    """The Content-Type the server declared, without parameters."""
    size: int | None = None
    """Bytes."""
    path: str | None = None
    """Where the file lies, relative to ARCHIVE_DIR: files/<aa>/<sha256>.<ext>."""
    text: str | None = None
    """The text extracted from the file; None where none was."""


@dataclass(slots=True)
class Held:
    """A file the archive holds, and what a conditional request for it says."""

    file: Attachment
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """One entry the run must fetch."""

    url: str
    listed_title: str
    listed_date: str | None
    etag: str | None = None
    """Of the last capture, for a conditional request; None for a first fetch."""
    last_modified: str | None = None
    files: tuple[Held, ...] = ()
    """The files of the article as we hold them."""


@dataclass(slots=True)
class Part:
    """A further response an article was read from, beside its own page."""

    url: str
    kind: str
    """page (a further page of the article) or frame (the document of an iframe that holds the text)"""
    capture_id: int | None = None


@dataclass(slots=True)
class Block:
    """One block of the body: a paragraph, a heading, a table, a list entry or an image."""

    text: str
    """White space collapsed; table rows are lines, their cells separated by tabs. Empty for an image."""
    html: str
    """The same, as structural HTML without attributes but href, src, alt, colspan and rowspan."""
    centred: bool = False
    """Set in the middle of the line, as bylines and sub-titles are."""
    lists: tuple[str, ...] = ()
    """The lists the block stands in, outermost first: ul, ol. Empty but for list entries."""


@dataclass(slots=True)
class Article:
    """One article of one column."""

    url: str
    """The address fetched, normalised: no fragment, no tracking query."""
    site_id: str = ""
    column_id: str = ""
    column_name: str = ""
    title: str = ""
    """Parts of a two-part title joined by one space."""
    subtitle: str = ""
    """Only where the template sets one apart."""
    byline: str = ""
    """The author line or lines exactly as printed, white space collapsed."""
    author: str = ""
    """The names of all authors joined by 、; empty when unknown."""
    unit: str = ""
    """The units of all authors joined by 、."""
    position: str = ""
    """The positions of all authors joined by 、."""
    breadcrumb: list[str] = field(default_factory=list)
    """From the home page to the column, blanks inside a name removed: ["首页", "重要专题"]."""
    source: str = ""
    """来源; empty when not given."""
    content_type: str = ""
    """类型: 原创, 编译, 摘编 or 转载; empty when not given."""
    published_at: str | None = None
    """Asia/Shanghai wall time, ISO 8601, to the precision printed; None when unknown, never a guess."""
    body_text: str = ""
    """The article's paragraphs, one a line, as published."""
    body_html: str = ""
    """The body as structural HTML; until the pipelines ran, the container as printed."""
    editor_note: str = ""
    """An editorial note printed with the text: （本文发布时有删节）."""
    authors: list[Author] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    images: list[Attachment] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    """Where its text was printed in several pages or in an iframe: those, in order."""
    printed: dict[str, dict[str, str]] = field(default_factory=dict)
    """What was printed where: field -> origin (row, script, meta, listing) -> value, best origin first."""
    blocks: list[Block] = field(default_factory=list)
    """The body in pieces, from clean.py on."""
    capture_id: int | None = None
    """The capture this article was read from."""
    fetched_at: datetime | None = None
    """When that response came in: the article was seen then, not when it was read."""
    extractor: str = ""
    """template@version that read it."""
    listed_url: str = ""
    """The address as the column lists it (differs from url after a redirect)."""


GUARDED = (
    *("byline", "source", "content_type", "published_at", "breadcrumb"),
    *("body_text", "attachments", "images"),
)
"""The fields a redesign may take away without an error: their coverage is compared with that of earlier runs."""


@dataclass(slots=True)
class Entry:
    """One entry of a listing page, as printed there."""

    url: str
    """Normalised; about:blank#<title> where the entry links nowhere."""
    title: str
    """The full title (a[@title]) where the visible text is cut."""
    date: str | None = None
    """ISO 8601; None where the listing prints none or none with a year."""
    kind: str = "article"
    """article, or the outcome that needs no fetch: external, attachment, excluded"""
    reason: str | None = None
    """Why, for excluded."""


@dataclass(slots=True)
class Exchange:
    """One request and the response to it, as they crossed the network: what the evidence keeps."""

    url: str
    method: str
    request_headers: list[tuple[str, str]]
    status: int
    protocol: str
    """HTTP/1.1"""
    response_headers: list[tuple[str, str]]
    body: bytes
    """As received: content-encoded where the server encoded it."""
    fetched_at: datetime
    ip_address: str | None = None
    role: str = ""
    """What it was fetched as: robots, home, listing, article, file."""
    context: dict[str, str] = field(default_factory=dict)
    """What the crawl knew of the address (column, listed title and date), for replay without a database."""
