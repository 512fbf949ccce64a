"""Pages whose bytes are not in the encoding they declare."""

from typing import TypeVar

from scrapy.http import TextResponse

Page = TypeVar("Page", bound=TextResponse)


def of_text(response: Page) -> Page:
    """The response itself, or one like it in UTF-8 where it declares a codec that makes no text: uu, hex, rot13."""
    try:
        b"x".decode(response.encoding, "replace")
    except LookupError:
        return response.replace(encoding="utf-8")
    return response


def rightly_decoded(response: Page) -> Page:
    """The response itself, or one like it in the encoding its bytes are in: UTF-8 or GB18030, whatever it declares."""
    response = of_text(response)
    declared = (response.encoding or "").lower().replace("_", "-")
    body = response.body
    if body.isascii():
        return response
    if declared in ("utf-8", "utf8"):
        return response.replace(encoding="gb18030") if _is_gb18030(body) else response
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return response.replace(encoding="gb18030") if declared.startswith(("cp", "iso-8859", "ascii")) else response
    return response.replace(encoding="utf-8")


def _is_gb18030(body: bytes) -> bool:
    """Whether it is, and UTF-8 with a broken character or two is not."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        broken = body.decode("utf-8", "replace").count("\ufffd")
    else:
        return False
    if broken < 4:
        return False
    read = body.decode("gb18030", "replace")
    return read.count("\ufffd") * 10 < broken
