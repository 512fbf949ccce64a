"""The last resort: a page that no template knows. Marked general@N in `extractor`; claims only what is proven.

The text is the one element that holds nearly all sentences of the page; a title counts where two places of the page
print it; a date where every place that prints one agrees. Nobody is named as an author. What falls short of this
raises MarkupChanged, and the article fails by name.
"""

import re
from functools import cached_property

from lxml.html import HtmlElement
from scrapy.http import TextResponse

from crawler.exceptions import MarkupChanged
from crawler.items import Article as Item
from crawler.pages.base import ArticlePage, in_rail, printed_moment
from crawler.pages.boilerplate import is_prose
from crawler.pages.lines import lines
from crawler.pages.mofcom import ArticleT3
from crawler.pages.text import collapse, squeeze
from crawler.pages.tree import text_of, tree

NAME = "general"
_LEAST = 200
"""Characters of prose below which nothing is proven."""
_SHARE = 0.85
"""Of the page's prose, what the one element must hold."""
_MOST_LINES = 400
_MOST_LEVELS = 60
_PIECES = re.compile(r"\s[-–—|]\s|[_|｜]|(?<=\S)-(?=\S)")


class Article(ArticleT3):
    """Any page of sentences."""

    version = f"{NAME}@1"
    TITLE = "h1"
    ROW = ".general-has-no-row-of-its-own"

    @classmethod
    def matches(cls, response: TextResponse) -> bool:
        return _text_element(response) is not None

    @cached_property
    def body(self) -> HtmlElement:
        found = _text_element(self.response)
        if found is None:
            raise MarkupChanged(f"{self.version}: no element holds the text of {self.response.url}")
        return found

    def article(self, frame: TextResponse | None = None) -> Item:
        article = super().article(frame)
        article.subtitle = ""
        article.printed.pop("byline", None)
        article.printed.pop("title", None)
        if title := self._proven_title():
            article.printed["title"] = {"row": title}
        moments = article.printed.get("published_at", {}).values()
        if len({(printed_moment(moment) or "")[:10] for moment in moments}) > 1:
            del article.printed["published_at"]  # the places disagree
        return article

    def _proven_title(self) -> str:
        """A heading that the page's <title> or a meta tag prints too; else nothing."""
        tags = [tag.text or "" for tag in self.tree.root.iter("title")]
        tags += [tag.get("content", "") for tag in self.tree.find("meta[name], meta[property]")]
        named = {squeeze(piece) for tag in tags for piece in (tag, *_PIECES.split(tag[:300]))}
        headings = (collapse(text_of(heading)) for heading in self.tree.find("h1, h2, h3"))
        return next((heading for heading in headings if len(heading) > 3 and squeeze(heading) in named), "")


def _text_element(response: TextResponse) -> HtmlElement | None:
    """The innermost element that holds nearly all of the page's prose; None where there is none, or little prose."""
    counts: dict[HtmlElement, int] = {}
    total = 0
    for body in tree(response).root.iter("body"):
        prose = [line for line in lines(body) if line.nodes and is_prose(line)]
        for line in prose[:_MOST_LINES]:
            holder, part = line.nodes[0]
            node = holder if part == "text" else holder.getparent()
            if in_rail(node):
                continue
            total += len(line.text)
            for _ in range(_MOST_LEVELS):
                if node is None or node is body:
                    break
                counts[node] = counts.get(node, 0) + len(line.text)
                node = node.getparent()
    if total < _LEAST:
        return None
    enough = [node for node, count in counts.items() if count >= _SHARE * total]
    return max(enough, key=lambda node: sum(1 for _ in node.iterancestors()), default=None)


ARTICLES: tuple[type[ArticlePage], ...] = (Article,)
