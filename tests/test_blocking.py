"""Answers that are no content are recognised; articles that talk of such things are content."""

import pytest
from scrapy.http import Response

from crawler import blocking
from crawler.exceptions import Blocked, CrawlError, Gone, Unavailable
from crawler.urls import Addresses
from tests.reading import HOME, read, response_of

ADDRESSES = Addresses.of(HOME, [], None)
PAGE = f"{HOME}a.shtml"
PARAGRAPH = "支部书记在会上逐条讲解了今年的工作安排，会后又留下来答疑，大家记了满满一页。"


def page(body: str, title: str = "") -> str:
    return f"<html><head><title>{title}</title></head><body>{body}</body></html>"


@pytest.mark.parametrize(
    ("markup", "kind"),
    [
        (page("抱歉，您访问的页面不存在！"), Gone),
        (page("<h1>404 Error</h1>", "404"), Gone),
        (page("404 - 页面未找到"), Gone),
        (page("<div>" + "栏目导航" * 80 + "</div><p>对不起，您要查找的网页不存在</p>"), Gone),
        (page("该文章已被删除").encode("gb18030"), Gone),
        (page("访问过于频繁，请输入验证码<input>"), Blocked),
        (page("<img src='/code.jpg'>请完成验证", "安全验证"), Blocked),
        (page("您的请求过于频繁，请稍后再试"), Blocked),
        (page("", "Just a moment..."), Blocked),
        (page("Access Denied"), Blocked),
        ("  \n", Unavailable),
        (page(PARAGRAPH * 50 + "验证码"), None),
        (page("栏目正在建设"), None),
    ],
)
def test_why_a_page_is_none(markup: str | bytes, kind: type[CrawlError] | None) -> None:
    found = blocking.explain(response_of(markup, PAGE))
    assert (type(found) if found else None) is kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("抱歉，您访问的页面不存在或已被删除，请检查网址是否正确", Gone),
        ("404 Error", Gone),
        ("访问过于频繁，请稍后再试", Blocked),
        ("“404”读书小组成立，成员讲述页面不存在的年代如何查资料，大家听得入神，并约好下次再聊。", None),
        ("登录时请大家留意，系统升级以后统一用短信验证码登录，请填写验证码后再提交。", None),
        (PARAGRAPH * 5 + "页面不存在", None),
    ],
)
def test_a_notice_in_the_place_of_an_article(text: str, kind: type[CrawlError] | None) -> None:
    found = blocking.notice(text)
    assert (type(found) if found else None) is kind


@pytest.mark.parametrize("title", ["短信验证码使用须知", "404 Error 之后：一次网站改版", "抱歉，您访问的页面不存在"])
def test_an_article_about_such_things_is_read(title: str) -> None:
    sentences = [PARAGRAPH, "有人遇到“访问过于频繁”的提示，输入验证码后才恢复。", "“您访问的页面不存在！”他念道。"]
    body = "".join(f"<p>{sentence}</p>" for sentence in sentences)
    article = read(page(f"<h1>{title}</h1><div class='art-con'>{body}</div>"))
    assert (article.title, article.body_text.split("\n")) == (title, sentences)
    assert blocking.notice(article.body_text) is None


@pytest.mark.parametrize(
    "markup",
    [
        "<script>window.location.href='/b.html'</script>",
        "<script>window . location = \n '/b.html';</script>正在跳转…",
        "<script>top.location='/b.html'</script>",
        '<script>location.replace("/b.html")</script>',
        "<script>self.location.href=`/b.html`</script>",
        '<script>var _cofing1={href:"/b.html"};</script>',
        "<script>_cofing1 = {'href':'/b.html', x:1};</script>",
        '<meta http-equiv="Refresh" content="0; url=/b.html">',
        "<META HTTP-EQUIV=REFRESH CONTENT=\"0;URL='/b.html'\">",
    ],
)
def test_a_redirect_written_in_the_page_is_found(markup: str) -> None:
    assert blocking.script_redirect(response_of(page(markup), PAGE)) == "/b.html"


@pytest.mark.parametrize(
    "markup",
    [
        "<script>if (url == location.href) {}</script>",
        f"<p>{PARAGRAPH * 4}</p><script>window.location.href='/b.html'</script>",
        "<div class='art-con'><img src='1.jpg'></div><script>function s(){location.href='/search'}</script>",
        "<script src='/u.js' url='/api' queryData='x'></script><script>function s(){location.href='/b'}</script>",
        '<meta http-equiv="refresh" content="60">',
    ],
)
def test_a_page_of_its_own_is_no_redirect(markup: str) -> None:
    assert blocking.script_redirect(response_of(page(markup), PAGE)) is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, Blocked) for status in (401, 403, 405, 407, 412, 418, 429, 451, 493, 521)),
        *((status, Gone) for status in (404, 410)),
        *((status, Unavailable) for status in (500, 502, 503, 204, 206)),
        (200, None),
    ],
)
def test_what_a_status_says(status: int, kind: type[CrawlError] | None) -> None:
    found = blocking.refusal(Response(PAGE, status=status), ADDRESSES, PAGE)
    assert (type(found) if found else None) is kind


def test_landing_elsewhere_is_gone() -> None:
    for url in (f"{HOME}404.shtml", f"{HOME}error.html?from=x", HOME, f"{HOME}index.html"):
        assert isinstance(blocking.refusal(Response(url), ADDRESSES, PAGE), Gone)
    assert blocking.refusal(Response(f"{HOME}b.shtml"), ADDRESSES, PAGE) is None
    assert blocking.refusal(Response(HOME), ADDRESSES, f"{HOME}index.html") is None
