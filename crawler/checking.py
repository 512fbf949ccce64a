"""Site files against their templates and saved pages: which selector found what, and whether it is what is expected."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from scrapy.settings import BaseSettings

from crawler import saved
from crawler.exceptions import CrawlError
from crawler.pages import TEMPLATES
from crawler.pages.base import ArticlePage
from crawler.saved import Case
from crawler.site import Site

SELECTORS = ("TITLE", "ROW", "BODY")
"""The selectors an article template names; each is a class attribute with CSS."""


@dataclass
class Tally:
    """One version of a template over its saved pages."""

    pages: int = 0
    found: Counter[str] = field(default_factory=Counter)
    """Selector -> pages on which it found something."""


@dataclass
class Checked:
    """A site and its saved pages."""

    site: Site
    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    """template@version -> what it found."""
    faults: list[str] = field(default_factory=list)
    """One line each: a page that is not read as expected, an expectation nobody checked."""
    unseen: list[str] = field(default_factory=list)
    """Versions of the template without a saved page."""
    selectors: dict[str, dict[str, str]] = field(default_factory=dict)
    """template@version -> selector -> CSS."""


def check(site: Site, cases: list[Case], settings: BaseSettings) -> Checked:
    """Every saved page of the site's template, read and compared."""
    checked = Checked(site)
    for case in cases:
        if case.template != site.template or case.site not in ("", site.id):
            continue
        addresses = saved.addresses_of(case, site)
        try:
            page = case.page(addresses)
            tally = checked.tallies[page.version]
            tally.pages += 1
            tally.found.update(name for name, css in _selectors(page) if page.response.css(css))
            expected, found = saved.expectation(case), saved.fields(saved.read(case, addresses, settings))
        except CrawlError as error:
            checked.faults.append(f"{case.name}: {error}")
            continue
        except Exception as error:  # a pipeline's refusal, or a defect that this page shows
            checked.faults.append(f"{case.name}: {type(error).__name__}: {error}")
            continue
        checked.faults += [f"{case.name}: {line}" for line in _differences(expected, found)]
    versions = {version.version: version for version in TEMPLATES[site.template].articles}
    checked.unseen = [name for name in versions if name not in checked.tallies]
    checked.selectors = {name: dict(_selectors(version)) for name, version in versions.items()}
    return checked


def _selectors(page: ArticlePage | type[ArticlePage]) -> list[tuple[str, str]]:
    named = [(name, getattr(page, name, "")) for name in SELECTORS]
    return [(name, css) for name, css in named if css]


def _differences(expected: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    for name in {**expected, **found}:
        if expected.get(name) != found.get(name):
            yield f"{name} is {_short(found.get(name))}, expected {_short(expected.get(name))}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text)} characters)"
