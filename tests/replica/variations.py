"""Which article shows which variation: a shuffled deck per axis, dealt in order of the articles.

A deck holds every form of its axis at least once, so any run of articles as long as the deck meets all forms, and
two axes are shuffled independently, so forms meet in many combinations. The first form of an axis is the plain one.
"""

from functools import lru_cache
from random import Random

# What an article says: the same in every generation of the site.
CONTENT = {
    "title": {"one": 4, "two-br": 2, "two-blank": 2, "subtitle": 1},
    "byline": {
        "joined": 3,  # the form of the main template: unit, posts and name without a blank
        "blank": 3,
        "bare": 1,
        "spaced": 2,
        "compound": 1,
        "ethnic": 1,
        "several": 2,
        "reporters": 1,
        "tail-unit": 1,
        "tail-contributor": 1,
        "tail-pictures": 1,
        "tail-reporter": 1,
        "tail-author-of": 1,
        "closing": 2,
        "organisation": 1,
        "label": 1,
        "slash": 1,
        "none": 5,
    },
    "type": {"原创": 3, "编译": 1, "摘编": 1, "转载": 2, "blank": 1},
    "source": {"given": 6, "blank": 1},
    "time": {"seconds": 3, "minutes": 2, "day": 1},
    "table": {"no": 7, "yes": 1},
    "image": {"none": 4, "png": 1, "jpeg": 1, "caption": 1},
    "attachment": {"none": 7, "pdf": 1, "docx": 1, "xls": 1},
    "note": {"none": 5, "cut": 1, "cut-ascii": 1},
}
# How its page is written and served.
PAGE = {
    "markup": {"T3": 8, "T1": 1, "T2": 1},
    "body": {
        "style-p": 5,
        "indent-p": 2,
        "p-in-p": 1,
        "upper": 1,
        "word": 2,
        "br": 1,
        "div": 1,
        "trs": 1,
        "english": 1,
        "iframe": 1,
    },
    "row": {"script": 4, "script-other-names": 2, "script-inline": 1, "static": 2, "ssi-error": 1},
    "heading": {"div": 2, "h1": 1},
    "crumb": {"plain": 2, "label": 1, "links": 1, "full-width": 1, "guillemet": 1},
    "form": {"after-div": 3, "after-table": 1, "inside": 1, "none": 1},
    "tools": {"bar": 2, "brackets": 1, "list": 1},
    "government-meta": {"none": 2, "full": 2, "later": 1, "doubled": 1, "misspelt": 1},
    "include": {"fine": 5, "ssi-error-rail": 1},
    "nesting": {"single": 2, "double": 1},
    "encoding": {"utf-8": 18, "gb-unlabelled": 1, "gb-labelled": 1},
    "gzip": {"no": 9, "unasked": 1},
    "conditions": {"both": 5, "etag": 1, "modified": 1, "ignored": 1, "no-validators": 1},
    "attachment-address": {"old": 2, "download": 1, "filemanager": 1},
}
# How a column lists it.
LISTING = {
    "link": {"root": 4, "relative": 1, "host": 1, "official-http": 1, "official-https": 1},
    "date": {"day": 3, "seconds": 1, "bracket": 1, "script": 1, "title": 1, "absent": 1},
    "text": {"full": 3, "untitled": 1, "cut": 2},
    "place": {
        "once": 18,
        "doubled": 1,
        "two-columns": 1,
        "copy": 1,
        "redirect-location": 1,
        "redirect-config": 1,
        "redirect-meta": 1,
    },
}
AXES = CONTENT | PAGE | LISTING
DECKS = {axis: tuple(form for form, count in forms.items() for _ in range(count)) for axis, forms in AXES.items()}


@lru_cache(maxsize=8192)
def _dealt(seed: int, axis: str, block: int) -> tuple[str, ...]:
    deck = list(DECKS[axis])
    Random(f"{seed}/{axis}/{block}").shuffle(deck)
    return tuple(deck)


class Variations:
    """The forms each article takes; with ``enabled=False`` always the plain one."""

    def __init__(self, seed: int, enabled: bool, articles: int) -> None:
        self.seed = seed
        self.enabled = enabled
        self.articles = articles

    def form(self, axis: str, index: int) -> str:
        """The form article ``index`` takes on ``axis`` (a key of AXES).

        What is published later (from number ``articles`` on) is told like any article, on a plain page.
        """
        deck = DECKS[axis]
        if not self.enabled or (index >= self.articles and axis not in CONTENT):
            return deck[0]
        block, place = divmod(index, len(deck))
        return _dealt(self.seed, axis, block)[place]
