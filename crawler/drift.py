"""What to say of a field that the site no longer prints: where it was read from, by which template and selector."""

from collections.abc import Iterable

from crawler.archive import Loss
from crawler.pages import Template

_PLACES = {
    "row": "the visible row",
    "beside": "lines beside the body",
    "script": "variables of an inline script",
    "meta": "meta tags",
    "listing": "the listing",
}
_SELECTORS = {
    "byline": ("TITLE", "BODY"),
    "source": ("ROW",),
    "content_type": ("ROW",),
    "published_at": ("ROW",),
    "body_text": ("BODY",),
    "attachments": ("BODY",),
    "images": ("BODY",),
}
"""Field -> the selectors of an article template that lead to it."""


def lines(losses: Iterable[Loss], template: Template) -> list[str]:
    """A line for each."""
    return [explain(loss, template) for loss in losses]


def explain(loss: Loss, template: Template) -> str:
    """One line for people: the field, how many lost it, the selectors to look at, and what to do."""
    if loss.newest:
        seen = f"{loss.lost} of the {loss.of} newest entries lack it, unlike those before them"
    else:
        seen = f"{loss.lost} of {loss.of} archived articles read again lost it"
    where = f", formerly from {_PLACES.get(loss.origin, loss.origin)}" if loss.origin else ""
    named = "; ".join(f"{name} {css!r}" for name, css in _selectors(loss, template))
    selectors = f" with {named}" if named else ""
    return (
        f"field lost: {loss.field}: {seen} (read by {loss.extractor}{selectors}{where})."
        f" Mend the template, or accept it with -a accept={loss.field}"
    )


def _selectors(loss: Loss, template: Template) -> list[tuple[str, str]]:
    for version in template.articles:
        if version.version == loss.extractor:
            found = [(name, getattr(version, name, "")) for name in _SELECTORS.get(loss.field, ())]
            return [(name, css) for name, css in found if css]
    return []
