"""Dates: the printed time of the best origin becomes ISO 8601, to the precision printed."""

import re
import unicodedata
from datetime import datetime

from crawler.items import Article

_DIGITS = str.maketrans("〇零○Ｏ一二三四五六七八九", "0000123456789")
_CHINESE = re.compile(r"[〇零○Ｏ一二三四五六七八九]{4}年[一二三四五六七八九十]{1,3}月[一二三四五六七八九十]{1,3}日?")
_MOMENT = re.compile(
    r"(?<!\d)((?:19|20)\d\d)\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})(?!\d)\s?日?"
    r"(?:[\sT,]{0,4}(上午|下午|晚上?|am|pm)?\s?(\d{1,2})\s?[:时点]\s?(\d{1,2})(?:\s?[:分]\s?(\d{1,2})(?!\d))?)?",
    re.I,
)


class ParseDates:
    """Fills ``published_at``; leaves it None where nothing printed is a date."""

    def process_item(self, item: Article) -> Article:
        moments = {origin: read_moment(text) for origin, text in item.printed.get("published_at", {}).items()}
        meta, listing = moments.get("meta"), moments.get("listing")
        if meta and listing and meta[:10] != listing[:10]:
            del moments["meta"]  # the time of a rebuild; the listing's is the one readers saw
        item.published_at = next((moment for moment in moments.values() if moment), None)
        return item


def read_moment(text: str) -> str | None:
    """The first date, or date and time, in the text as ISO 8601; None where there is none that exists."""
    text = text if text.isascii() else unicodedata.normalize("NFKC", _CHINESE.sub(_arabic, text))
    for match in _MOMENT.finditer(text):
        year, month, day, half, hour, minute, second = match.groups()
        try:
            if hour is None:
                return datetime(int(year), int(month), int(day)).date().isoformat()
            late = 12 if half and half.lower() in ("下午", "晚", "晚上", "pm") and int(hour) < 12 else 0
            moment = datetime(int(year), int(month), int(day), int(hour) + late, int(minute), int(second or 0))
        except ValueError:
            continue
        return moment.isoformat(timespec="seconds" if second is not None else "minutes")
    return None


def _arabic(match: re.Match[str]) -> str:
    """二〇二〇年六月十二日 -> 2020年6月12日."""

    def number(part: str) -> str:
        tens, ten, ones = part.partition("十")
        if not ten:
            return part.translate(_DIGITS)
        return str(int(tens.translate(_DIGITS) or 1) * 10 + int(ones.translate(_DIGITS) or 0))

    year, month, day = re.split("[年月]", match.group().rstrip("日"))
    if max(month.count("十"), day.count("十")) > 1:  # no number
        return match.group()
    return f"{year.translate(_DIGITS)}年{number(month)}月{number(day)}日"
