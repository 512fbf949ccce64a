"""``python -m tests.screenshots`` (`make screenshots`): the README's pictures of the reading room, in docs/images/."""

import sqlite3
import tempfile
from pathlib import Path

from tests import reading_room

FOLDER = reading_room.ROOT / "docs" / "images"
_DESK = {"viewport": {"width": 800, "height": 480}}
_PHONE = {"viewport": {"width": 360, "height": 560}}
_SHOTS = {
    "search": ("/?q=学习 党委", _DESK | {"locale": "zh-CN"}),
    "article-dark": ("/articles/{id}", _DESK | {"locale": "zh-CN", "color_scheme": "dark"}),
    "diff": ("/articles/{id}/diff", _DESK | {"locale": "en"}),
    "terms": ("/charts/terms?term=学习、服务、调研&per=year", _DESK | {"locale": "en"}),
    "phone": ("/?q=学习", _PHONE | {"locale": "zh-CN"}),
}


def main() -> None:
    """Crawl a small archive, open it, take the pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        archive = reading_room.build(Path(folder))
        connection = sqlite3.connect(archive / "archive.db")
        (revised,) = connection.execute("SELECT id FROM articles WHERE version = 2").fetchone()
        connection.close()
        with reading_room.served(archive) as address, reading_room.browser() as browser:
            for name, (path, options) in _SHOTS.items():
                context = browser.new_context(**options)
                page = context.new_page()
                page.goto(address + path.format(id=revised))
                page.screenshot(path=FOLDER / f"{name}.png")
                context.close()
                print(f"docs/images/{name}.png")


if __name__ == "__main__":
    main()
