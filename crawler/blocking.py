"""Answers that are no content: block pages, soft 404s, redirects written in script.

Recognised and reported, never evaded. A page is judged by its form (short, no article in it), never
by words alone: an article may talk of 验证码 or 404.
"""

import re

from scrapy.http import HtmlResponse, Response

from crawler.exceptions import Blocked, CrawlError, Gone, Unavailable
from crawler.pages.encoding import rightly_decoded
from crawler.urls import Addresses

BLOCKED_STATUS = frozenset({401, 403, 405, 407, 412, 418, 429, 451, 493, 521})
GONE_STATUS = frozenset({404, 410})
IN_A_ROW = 10
"""So many block pages one after the other, and the site is left alone for this run."""
SHORT = 400
"""A page with more visible characters than this is no verification page, whatever words it holds."""
FURNISHED = 1500
"""A soft 404 may come inside the site's navigation and footer, but with no more text than this."""

_VERIFY = re.compile(
    r"(?:访问|请求|操作)(?:过于|太|太过)频繁|安全验证|人机验证|滑动验证|请(?:输入|填写)验证码|请完成(?:下方|以下)?验证|访问验证"
    r"|异常访问|访问(?:被|已被)?(?:拒绝|拦截|受限|阻断)|Access\s?Denied|403\s?Forbidden|Just\s?a\s?moment",
    re.I,
)
_MISSING = re.compile(
    r"(?:您|你)?(?:要?访问|查找|请求|浏览)的(?:页面|网页|文章|内容|信息|资源|网址)(?:不存在|已(?:被)?删除|未找到|找不到|不见)"
    r"|(?:页面|网页|文章|该信息|此信息)(?:不存在|已(?:被)?删除|已下线|已撤销)"
    r"|(?:页面|网页|文件)(?:未找到|没有找到|找不到|走丢|丢失)|404Error|404NotFound|找不到(?:该|您要的|相关)?(?:页面|网页)",
    re.I,
)
_CLOSED = re.compile(
    r"(?:网站|系统|服务器?|平台|本站)(?:正在|进行|升级|例行|临时|正在进行){0,3}(?:维护|升级|建设|改版)|服务器?(?:繁忙|忙碌)|(?:维护|升级)(?:维护|升级)?中"
)
_LOGIN = re.compile(r"请先?登录|尚未登录|登录(?:已)?(?:超时|失效)|用户登录|统一身份认证|没有权限访问")
_MISSING_URL = re.compile(r"/(?:404|error|notfound)(?:\.s?html?)?$", re.I)
_CONTENT = ".art-con, .artCon, .cont, #zoom, [ergodic], script[querydata], li a, img"
"""What a page that only sends its reader on does not hold; the scripts of others lead on when something is clicked."""
_LOCATION = re.compile(
    r"""(?:(?:window|self|top|parent|document)\s{0,9}\.\s{0,9})*location(?:\s{0,9}\.\s{0,9}href)?\s{0,9}=(?!=)\s{0,9}["'`]([^"'`\s]{1,2000})["'`]"""
    r"""|location\s{0,9}\.\s{0,9}(?:replace|assign)\s{0,9}\(\s{0,9}["'`]([^"'`\s]{1,2000})["'`]"""
    r"""|_cofing1\s{0,9}=\s{0,9}\{\s{0,9}["']?href["']?\s{0,9}:\s{0,9}["'`]([^"'`\s]{1,2000})["'`]""",
    re.I,
)
_SENDS_ON = (b"location", b"_cofing1", b"refresh")
"""Quick to look for: most pages need no closer look."""
_REFRESH = re.compile(r"""^\s{0,9}\d{1,3}\s{0,9}[;,]\s{0,9}url\s{0,9}=\s{0,9}["']?([^"'\s]{1,2000})""", re.I)


def refusal(response: Response, addresses: Addresses, asked: str) -> CrawlError | None:
    """What status and address say instead of content: Blocked, Gone or Unavailable; None where they say nothing.

    ``asked`` is the address first asked for: landing on the home page from elsewhere is a Gone.
    """
    status = response.status
    if status in BLOCKED_STATUS:
        return Blocked(f"HTTP {status}")
    if status in GONE_STATUS:
        return Gone(f"HTTP {status}", how=str(status))
    if status != 200:
        return Unavailable(f"HTTP {status}")
    if response.url != asked:
        if _MISSING_URL.search(response.url.partition("?")[0]):
            return Gone(f"redirected to {response.url}", how="redirect")
        if addresses.is_home(response.url) and not addresses.is_home(asked):
            return Gone("redirected to the home page", how="redirect")
    return None


def notice(body: str) -> CrawlError | None:
    """What a text of a line or two says that stands where an article should: Gone or Blocked; None for others."""
    body = "".join(body.split())
    if len(body) > 80:
        return None
    for pattern, what in ((_MISSING, "soft 404"), (_VERIFY, "verification page")):
        match = pattern.search(body)
        if match and len(match.group()) * 4 >= len(body):  # that is all it says
            reason = f"{what}: {match.group()}"
            return Gone(reason, how=what) if pattern is _MISSING else Blocked(reason)
    return None


def explain(response: Response) -> CrawlError | None:
    """Why a page that no template fits is none: a soft 404 or a verification page; None where it does not say."""
    if not response.body.strip():
        return Unavailable("empty page")
    if not isinstance(response, HtmlResponse):
        return None
    response = rightly_decoded(response)
    text = visible_text(response)
    if len(text) <= FURNISHED and (match := _MISSING.search(text)):
        return Gone(f"soft 404: {match.group()}", how="soft 404")
    if len(text) <= SHORT and (match := _VERIFY.search(text) or re.search("验证码", text)):
        return Blocked(f"verification page: {match.group()}")
    if len(text) <= SHORT and (match := _LOGIN.search(text)) and response.css("input[type=password]"):
        return Blocked(f"login page: {match.group()}")
    if len(text) <= SHORT and (match := _CLOSED.search(text)):
        return Unavailable(f"the site says it is closed: {match.group()}")
    if len(text) <= SHORT and response.css("script") and not response.css(_CONTENT):
        return Blocked("a page of script alone")
    return None


def script_redirect(response: Response) -> str | None:
    """Where a page that holds nothing else sends its reader, by script or meta refresh; None for content."""
    if not isinstance(response, HtmlResponse) or len(response.body) > 20_000:
        return None
    body = response.body.lower()
    if not any(word in body for word in _SENDS_ON):
        return None
    if len(visible_text(response)) > 100 or response.css(_CONTENT):
        return None
    for content in response.xpath("//meta[translate(@http-equiv,'REFSH','refsh')='refresh']/@content").getall():
        if match := _REFRESH.match(content):
            return match.group(1)
    for script in response.xpath("//script[not(@src)]/text()").getall():
        if match := _LOCATION.search(script):
            return next(group for group in match.groups() if group)
    return None


def visible_text(response: HtmlResponse) -> str:
    """What a reader sees of the page, blanks removed."""
    parts = response.xpath("//title//text() | //body//text()[not(parent::script or parent::style)]").getall()
    return "".join("".join(parts).split())
