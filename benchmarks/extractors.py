"""One general extractor over a labelled set: ``python extractors.py NAME SET.json`` in the benchmark's own environment.

Prints JSON: the extractor's CPU seconds and, page by page, title, author, date and body (null where it crashed).
Imports nothing of the project: it runs where only the extractors are installed.
"""

import json
import logging
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

Result = dict[str, Any]


def _trafilatura(**options: Any) -> Callable[[str, str], Result]:
    import trafilatura

    def extract(html: str, url: str) -> Result:
        found = trafilatura.bare_extraction(html, url=url, with_metadata=True, include_comments=False, **options)
        values = found.as_dict() if found is not None else {}
        return {name: values.get(key) for name, key in _named(title="title", author="author", date="date", body="text")}

    return extract


def _named(**names: str) -> list[tuple[str, str]]:
    return list(names.items())


def _readability() -> Callable[[str, str], Result]:
    from lxml import html as lxml_html
    from readability import Document

    def extract(html: str, url: str) -> Result:
        document = Document(html)
        return {"title": document.short_title(), "body": _text(lxml_html.fromstring(document.summary()))}

    return extract


def _magic_html() -> Callable[[str, str], Result]:
    from lxml import html as lxml_html
    from magic_html import GeneralExtractor

    extractor = GeneralExtractor()

    def extract(html: str, url: str) -> Result:
        found = extractor.extract(html, base_url=url)
        return {"title": found.get("title"), "body": _text(lxml_html.fromstring(found["html"]))}

    return extract


def _gne() -> Callable[[str, str], Result]:
    from gne import GeneralNewsExtractor

    extractor = GeneralNewsExtractor()

    def extract(html: str, url: str) -> Result:
        found = extractor.extract(html)
        return {
            name: found.get(key)
            for name, key in _named(title="title", author="author", date="publish_time", body="content")
        }

    return extract


def _newspaper() -> Callable[[str, str], Result]:
    from newspaper import Article

    def extract(html: str, url: str) -> Result:
        article = Article(url, language="zh", fetch_images=False)
        article.download(input_html=html)
        article.parse()
        date = article.publish_date.isoformat() if article.publish_date else None
        return {"title": article.title, "author": "、".join(article.authors), "date": date, "body": article.text}

    return extract


def _goose() -> Callable[[str, str], Result]:
    from goose3 import Goose
    from goose3.text import StopWordsChinese

    goose = Goose({"stopwords_class": StopWordsChinese, "enable_image_fetching": False})

    def extract(html: str, url: str) -> Result:
        found = goose.extract(raw_html=html)
        authors = "、".join(found.authors or [])
        return {"title": found.title, "author": authors, "date": found.publish_date, "body": found.cleaned_text}

    return extract


def _resiliparse() -> Callable[[str, str], Result]:
    from resiliparse.extract.html2text import extract_plain_text

    def extract(html: str, url: str) -> Result:
        return {"body": extract_plain_text(html, main_content=True, alt_texts=False, links=False)}

    return extract


def _text(root: Any) -> str:
    for node in root.iter("p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4"):
        node.tail = "\n" + (node.tail or "")
    return str(root.text_content())


EXTRACTORS: dict[str, Callable[[], Callable[[str, str], Result]]] = {
    "trafilatura": lambda: _trafilatura(),
    "trafilatura, precision": lambda: _trafilatura(favor_precision=True),
    "readability-lxml": _readability,
    "magic-html": _magic_html,
    "GNE": _gne,
    "newspaper4k": _newspaper,
    "goose3 (zh)": _goose,
    "resiliparse": _resiliparse,
}


def main(name: str, path: str) -> None:
    """Run one extractor over the set."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    pages = json.loads(Path(path).read_text(encoding="utf-8"))
    extract = EXTRACTORS[name]()
    results: list[Result | None] = []
    extract(pages[0]["html"], pages[0]["url"])  # whatever is loaded late is not the pages' cost
    started = time.process_time()
    for page in pages:
        try:
            results.append(extract(page["html"], page["url"]))
        except Exception:
            results.append(None)
    seconds = time.process_time() - started
    print(json.dumps({"seconds": seconds, "results": results}, default=str))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
