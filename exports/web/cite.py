"""How a version is cited: GB/T 7714-2015, BibTeX, plain; each with the digest that proves it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from exports.database.models import ArticleVersion, Capture
from exports.terminal import local_time, printable

_BIBTEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_BIBTEX |= {char: f"\\{char}" for char in "{}$&#_%"}


@dataclass(frozen=True)
class Cited:
    """What a citation names."""

    version: ArticleVersion
    capture: Capture
    permanent: str
    """The version's address in this reading room."""

    @property
    def authors(self) -> list[str]:
        return [_line(author["name"]) for author in self.version.authors if author.get("name")]

    @property
    def published(self) -> str:
        return (self.version.published_at or "")[:10]

    @property
    def captured(self) -> str:
        """The day of the capture as the pages show it: in Asia/Shanghai, like the day of publication."""
        return local_time(self.capture.fetched_at)[:10]


def gbt7714(cited: Cited) -> str:
    """GB/T 7714-2015, electronic resource: 作者. 题名[EB/OL]. (发布日期)[存档日期]. 网址."""
    version = cited.version
    names = cited.authors[:3] + (["等"] if len(cited.authors) > 3 else [])
    who = ", ".join(names) or _line(version.source) or "佚名"
    date = f"({cited.published})" if cited.published else ""
    return (
        f"{who}. {_line(version.title)}[EB/OL]. {date}[{cited.captured}]. {version.url}. "
        f"存档: {cited.permanent}, 第{version.version}版, {cited.capture.warc_record_id}, "
        f"SHA-256 {cited.capture.payload_sha256}."
    )


def bibtex(cited: Cited) -> str:
    """An @online entry for BibLaTeX; the digest is in its note."""
    version = cited.version
    fields = {
        "author": " and ".join(f"{{{_escaped(name)}}}" for name in cited.authors),
        "title": f"{{{_escaped(version.title)}}}",
        "date": cited.published,
        "organization": _escaped(version.source),
        "url": version.url.replace("{", "%7B").replace("}", "%7D").replace("\\", "%5C"),
        "urldate": cited.captured,
        "note": f"archived version {version.version}, {_escaped(cited.permanent)}, "
        f"{_escaped(cited.capture.warc_record_id)}, SHA-256 {cited.capture.payload_sha256}",
        "langid": "chinese",
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    key = f"{version.site_id}-{version.article_id}-v{version.version}"
    return "\n".join([f"@online{{{re.sub('[^A-Za-z0-9-]', '', key)},", *lines, "}"]) + "\n"


def plain(cited: Cited) -> str:
    """One sentence for a footnote."""
    version = cited.version
    who = "、".join(cited.authors) or _line(version.source)
    parts = [
        f"{who}：" if who else "",
        f"《{_line(version.title)}》，“{_line(version.column_name)}”栏目，",
        f"{cited.published}，" if cited.published else "",
        f"{version.url}；存档于 {cited.capture.fetched_at:%Y-%m-%dT%H:%M:%SZ}，第 {version.version} 版，",
        f"{cited.permanent}，WARC 记录 {cited.capture.warc_record_id}，SHA-256 {cited.capture.payload_sha256}。",
    ]
    return "".join(parts)


STYLES: dict[str, Callable[[Cited], str]] = {"gbt7714": gbt7714, "bibtex": bibtex, "plain": plain}


def _line(text: str) -> str:
    return " ".join(printable(text).split())


def _escaped(text: str) -> str:
    return "".join(_BIBTEX.get(char, char) for char in _line(text))
