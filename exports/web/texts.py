"""The room's own words, in Chinese and English; texts.toml holds them."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request

LANGUAGES = {"zh": "zh-CN", "en": "en"}
"""Codes of the interface languages, and the tags a browser knows them by; the first is the default."""


@cache
def _texts() -> dict[str, dict[str, str]]:
    with (Path(__file__).parent / "texts.toml").open("rb") as file:
        return tomllib.load(file)


@dataclass(frozen=True)
class Language:
    """The language a reader sees the room in."""

    code: str

    @classmethod
    def of(cls, request: Request) -> "Language":
        """As the address asks (`lang`), as it asked before (cookie), as the browser prefers."""
        for code in (request.query_params.get("lang"), request.cookies.get("lang")):
            if code in LANGUAGES:
                return cls(code)
        return cls(_preferred(request.headers.get("accept-language", "")))

    @property
    def tag(self) -> str:
        return LANGUAGES[self.code]

    @property
    def other(self) -> "Language":
        """The one a reader can switch to."""
        return Language(next(code for code in LANGUAGES if code != self.code))

    def text(self, key: str, **values: object) -> str:
        """The text of that key, the values put in. Raises KeyError for a key that is not there."""
        return _texts()[key][self.code].format(**values)

    def name(self, name: str, kind: str = "") -> str:
        """How a name of the code is said, by the key `kind` + `name`; the name itself where there is none."""
        key = kind + name
        return self.text(key) if key in _texts() else name


def _preferred(header: str) -> str:
    """The best known language of an Accept-Language header."""
    found: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:500].split(",")):
        tag, _, rest = part.strip().partition(";")
        weight = re.fullmatch(r"q=([01](?:\.[0-9]{1,3})?)", rest.strip())
        code = tag.partition("-")[0].lower()
        if code in LANGUAGES and (quality := float(weight[1]) if weight else 1.0) > 0:
            found.append((-quality, place, code))
    return min(found)[2] if found else next(iter(LANGUAGES))
