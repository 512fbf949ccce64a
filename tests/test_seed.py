"""The one real page we know, as a text dump outside the project: put into T3 and T4 markup and crawled."""

import json
from html import escape
from pathlib import Path

import pytest

from tests.crawling import Crawl, crawl
from tests.tiny_site import Answer, serve

SEED = Path(__file__).parent.parent.parent / "shared" / "seed" / "zhuanti-article.txt"
NOTE = "(本文发布时有删节)"
FORM = """<div class="opinionBox"><p><a href="/more">查看更多意见</a></p><form action="/submit" method="post">
<p><label>单位名称</label><input name="unit"></p><p><label>姓名</label><input name="name"></p><p><label>手机号码</label>
<input name="tel"></p><p><label>意见分类</label>
<select name="kind"><option>建议</option></select></p><p>发表意见建议</p>
<textarea name="text"></textarea><p><label>验证码</label><input name="code"><img src="/code.jpg" alt="验证码">
<a href="javascript:;">看不清?</a></p></form></div><a class="znwd" href="/znwd/">智能问答</a>"""


def _seed() -> tuple[str, str, list[str]]:
    lines = [line.strip() for line in SEED.read_text(encoding="utf-8").splitlines() if line.strip()]
    start = next(n for n, line in enumerate(lines) if line.startswith("来源")) + 1
    end = lines.index(NOTE)
    title, byline, *paragraphs = lines[start:end]
    return title, byline, paragraphs


def _paragraphs(byline: str, paragraphs: list[str]) -> str:
    texts = [byline, *paragraphs, NOTE]
    return "".join(f'<p style="text-indent: 2em;">　　{escape(text)}</p>\n' for text in texts)


def _t3(path: str, _base: str) -> str | None:
    title, byline, paragraphs = _seed()
    head, tail = title.split(" ")
    if path == "/":
        return '<div class="nav"><ul><li><a href="/article/zt_x/">重 要 专&nbsp;题</a></li></ul></div>'
    if path.partition("?")[0] == "/article/zt_x/":
        return (
            '<section class="listCon"><ul class="txtList_01"><li><a href="a/202007/20200702979191.shtml" title="'
            f'{escape(title)}">{head}…</a><span>2020-07-02</span></li><li class="listline"></li></ul></section>'
        )
    if path == "/article/zt_x/a/202007/20200702979191.shtml":
        return f"""<html><head><title>直属机关党委</title></head><body><div class="crumb"><a href="/">首页</a>&gt;
<a href="/article/zt_x/">重 要 专 题</a></div><div class="art-info"><div class="at-left">来源：<script>var source =
"直属机关党委"; document.write(source)</script> 类型：
<script>var contype='原创';</script><script>var tm = "2020-7-2 9:05:03";
</script></div></div><div class="art-title">{escape(head)}<br>{escape(tail)}</div>
<div class="art-con art-con-bottonmLine">{_paragraphs(byline, paragraphs)}{FORM}</div>
<section class="article-tool">打印 关闭</section><footer>网站声明 关于我们 主办单位：商务部</footer></body></html>"""
    return None


def _t4(path: str, _base: str) -> Answer | str | None:
    title, byline, paragraphs = _seed()
    article = "/zyzt/a/art/2020/art_0123456789abcdef0123456789abcdef.html"
    if path == "/":
        return '<nav><a href="/zyzt/index.html">重　要　专　题</a></nav>'
    if path == "/zyzt/index.html":
        return """<html><head><meta name="ColId" content="c9"></head><body><div class="list"><script
src="/script/unitbuild.js" url="/api-gateway/jpaas-publish-server/front/page/build/unit" queryData="{'parseType':
'bulidstatic','webId':'w1','tplSetId':'t1','pageType':'column','tagId':'分页列表','editType':'null','pageId':'c9'}">
</script></div></body></html>"""
    if path.startswith("/api-gateway/jpaas-publish-server/front/page/build/unit?"):
        item = f'<li><a href="{article}" title="{escape(title)}">x</a><span>[2020-07-02]</span></li>'
        html = f'<ul class="txtList_01">{item}</ul><div class="pagination" rows="15" count="1" pageNo="1"></div>'
        reply = {"code": "200", "success": True, "data": {"html": html}}
        return Answer(json.dumps(reply), headers={"Content-Type": "application/json"})
    if path == article:
        page = f"""<html><head><meta name="ArticleTitle" content="{escape(title)}"><meta name="PubDate" content=
"2024-11-20 10:00"><meta name="ContentSource" content="直属机关党委">
<meta name="ColumnName" content="重要专题"></head><body>
<div class="position">当前位置：首页 ＞ 重 要 专 题</div>
<div class="art-con"><div class="art-info"><div class="at-left">
来源：直属机关党委 类型：原创 2020-07-02 09:05</div></div><h1 class="art-title">{escape(title)}</h1>
<div class="art-con" ergodic="article">{_paragraphs(byline, paragraphs)}</div></div>{FORM}</body></html>"""
        return Answer(page, headers={"Content-Type": "text/html"})
    return None


def _check(done: Crawl, published_at: str) -> None:
    assert done.code == 0, done.err
    [row] = done.rows("SELECT * FROM articles")
    _, _, paragraphs = _seed()
    assert row["title"] == "坚持党的领导,坚定“四个自信” 强化政治机关意识,走好第一方阵"
    assert (row["author"], row["unit"], row["position"]) == ("鄢东", "交流中心", "党委书记、主任")
    assert row["byline"] == "交流中心党委书记、主任鄢东"
    assert json.loads(row["breadcrumb"]) == ["首页", "重要专题"]
    assert (row["source"], row["content_type"], row["published_at"]) == ("直属机关党委", "原创", published_at)
    assert row["body_text"].split("\n") == paragraphs
    assert row["body_text"].startswith("2019年7月,")
    assert row["editor_note"] == NOTE
    for word in ("查看更多意见", "手机号码", "验证码", "智能问答", "看不清"):
        assert word not in row["body_text"] + row["body_html"]


@pytest.mark.skipif(not SEED.exists(), reason="the seed dump lies outside the project and is not here")
@pytest.mark.parametrize(
    ("site", "published_at"), [(_t3, "2020-07-02T09:05:03"), (_t4, "2020-07-02T09:05")], ids=["T3", "T4"]
)
@pytest.mark.slow
def test_the_seed_page(site, published_at: str, tmp_path: Path) -> None:
    with serve(site) as server:
        done = crawl(tmp_path, base_url=server.base_url)
        assert {method for method, _ in server.asked} == {"GET"}
    _check(done, published_at)
