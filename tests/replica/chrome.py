"""What surrounds every article and listing: navigation, rails, forms, tools, footer. None of it is article text."""

from collections.abc import Iterable
from html import escape

from tests.replica.model import Entry, ReplicaColumn

# Replaced in every answer by something new, unless the replica was started with noise=False.
VISITS = "@@VISITS@@"
TOKEN = "@@TOKEN@@"
SITE_NAME = "机关党委（演示站）"
SSI_ERROR = "[an error occurred while processing this directive]"
OFFICIAL_HOST = "jgdw.mofcom.gov.cn"


def page(head: str, body: str, title: str, charset: str = "utf-8") -> str:
    """A whole HTML document."""
    return (
        f'<!DOCTYPE html>\n<html lang="zh-CN"><head><meta http-equiv="Content-Type" content="text/html; '
        f'charset={charset}">\n<title>{escape(title)}</title>\n<link rel="stylesheet" href="/css/style.css">\n'
        f"{head}\n</head>\n<body>\n{body}\n</body></html>\n"
    )


def navigation(columns: Iterable[ReplicaColumn]) -> str:
    """The header with links to all columns."""
    links = "".join(f'<li><a href="{column.path}">{column.printed_name}</a></li>' for column in columns)
    return (
        f'<header class="header"><h2 class="logo"><a href="/">{SITE_NAME}</a></h2>\n'
        f'<form class="search" action="/search" method="get"><input name="q"><input type="hidden" name="t" '
        f'value="{TOKEN}"></form>\n<nav class="nav"><ul><li><a href="/">首&nbsp;页</a></li>{links}'
        '<li><a href="http://www.mofcom.gov.cn/" target="_blank">主站</a></li>'
        '<li><a href="/private/login.shtml">登录</a></li></ul></nav></header>'
    )


def breadcrumb(column: ReplicaColumn, form: str, home: str = "/") -> str:
    """The way from the home page to the column, in one of the forms of the axis ``crumb``."""
    names = ["首页", *([column.parent] if column.parent else []), column.printed_name]
    if form == "label":
        return f'<div class="position">当前位置：{"&gt;".join(names)}</div>'
    if form == "links":
        links = [f'<a href="{home}">首页</a>', *names[1:-1], f'<a href="{column.path}">{names[-1]}</a>']
        return f'<div class="crumbs">当前位置：{" &gt; ".join(links)}</div>'
    if form == "full-width":
        return f'<section class="location"><span>{"＞".join(names)}</span></section>'
    if form == "guillemet":
        links = [f'<a href="{home}">首页</a>', *names[1:-1], f'<a href="{column.path}">{names[-1]}</a>']
        return f'<p class="path">{" » ".join(links)}</p>'
    return (
        f'<div class="position"><a href="{home}">首页</a>&gt;<a href="{column.path}">{names[-1]}</a></div>'
        if (not column.parent)
        else f'<div class="position">{"&gt;".join(names)}</div>'
    )


def rail(columns: Iterable[ReplicaColumn], tag: str, broken: bool = False) -> str:
    """The newest entries of other columns, beside a page; ``broken``: the include that should bring them failed."""
    if broken:
        return f'<aside class="jgRBox">{SSI_ERROR}</aside>'
    boxes = []
    for column in columns:
        items = "".join(_rail_item(entry) for entry in column.entries[:5] if entry.path)
        boxes.append(f'<h3>{column.name}</h3><ul class="txtList_01">{items}</ul>')
    if tag == "aside":
        return f'<aside class="jgRBox">{"".join(boxes)}</aside>'
    return f'<section class="rColumnBox">{"".join(boxes)}</section>'


def _rail_item(entry: Entry) -> str:
    title = escape(entry.title)
    return f'<li><a href="{entry.path}" title="{title}">{title[:18]}</a><span>[{entry.date[5:10]}]</span></li>'


def slides(entries: Iterable[Entry]) -> str:
    """Pictures at the head of a page that repeat entries of the list below."""
    items = "".join(
        f'<li><a href="{entry.path}" title="{escape(entry.title)}"><img src="/images/slide{place}.jpg" '
        f'alt="{escape(entry.title)}"></a></li>'
        for place, entry in enumerate(entries, 1)
    )
    return f'<div class="slideBox"><ul class="bd">{items}</ul></div>'


def opinion_form(form: str) -> str:
    """The public-opinion form; whoever submits it is not the crawler."""
    if form == "none":
        return ""
    fields = ("单位名称", "姓名", "手机号码", "意见分类", "发表意见建议")
    capture = '验证码<input name="code"><img src="/images/code.gif" alt="验证码"><a href="javascript:;">看不清?</a>'
    hidden = f'<input type="hidden" name="token" value="{TOKEN}">'
    start = '<form action="/opinion/submit" method="post" name="opinion">'
    if form == "after-table":
        rows = "".join(f'<tr><td>{name}</td><td><input name="f{n}"></td></tr>' for n, name in enumerate(fields))
        inner = f'<table class="opinion">{rows}<tr><td colspan="2">{capture}</td></tr></table>'
    else:
        rows = "".join(f'<p><label>{name}</label><input name="f{n}"></p>' for n, name in enumerate(fields))
        inner = f'<div class="yjBox">{rows}<p>{capture}</p><button type="submit">提交</button></div>'
    return f'<div class="opinion-box"><a href="/opinion/list.shtml">查看更多意见</a>{start}{hidden}{inner}</form></div>'


def tools(form: str, older: Entry | None, newer: Entry | None) -> str:
    """Print, close, share, neighbours and related articles, after the body."""
    share = '<a href="javascript:share(1)">微信</a><a href="javascript:share(2)">微博</a>'
    to_print = '<a href="javascript:window.print()">打印本页</a>'
    to_close = '<a href="javascript:window.close()">关闭窗口</a>'
    if form == "brackets":
        bar = f'<p align="right">【{to_print}】【{to_close}】</p>'
    elif form == "list":
        bar = f'<ul class="art-tool-list"><li>打印</li><li>关闭</li><li>分享到：{share}</li></ul>'
    else:
        bar = f'<div class="tool-bar"><span>分享到：{share}</span>{to_print}{to_close}</div>'
    links = [
        f'<p>{label}：<a href="{entry.path}">{escape(entry.title)}</a></p>'
        for label, entry in (("上一篇", newer), ("下一篇", older))
        if entry
    ]
    related = f'<ul class="relList"><li><a href="{older.path}">{escape(older.title)}</a></li></ul>' if older else ""
    return (
        f'<section class="article-tool">{bar}<span class="visits">浏览次数：{VISITS}</span>'
        f'<p class="editor">责任编辑：值班编辑</p><div class="prevNext">{"".join(links)}</div></section>'
        f'<a class="robot" href="/znwd/index.html">智能问答</a><div class="related"><h3>相关文章</h3>{related}</div>'
    )


def footer() -> str:
    """The last lines of every page."""
    return (
        '<footer class="footer"><a href="/about/statement.shtml">网站声明</a> <a href="/about/us.shtml">关于我们</a> '
        f"主办单位：{SITE_NAME} <span>访问量：{VISITS}</span></footer>"
    )


def not_found() -> str:
    """What the server says when a page does not exist (with status 404, or 200 as a soft 404)."""
    return page(
        "",
        '<div class="error"><h1>404 Error</h1><p>抱歉，您访问的页面不存在！</p><a href="/">返回首页</a></div>',
        "404 Error",
    )


def verification() -> str:
    """What is served instead of a page to those who ask too often."""
    return page(
        "",
        '<div class="verify"><h1>访问验证</h1><p>您的访问过于频繁，请输入验证码后继续访问。</p>'
        '<form action="/verify" method="post"><input name="code" placeholder="验证码"></form></div>',
        "访问验证",
    )


def redirect(form: str, target: str) -> str:
    """A page with status 200 that sends the reader on by script or meta tag."""
    if form == "redirect-config":
        head = f'<script>var _cofing1={{href:"{target}",type:"link"}};</script><script src="/js/jump.js"></script>'
    elif form == "redirect-meta":
        head = f'<meta http-equiv="refresh" content="0; url={target}">'
    else:
        head = f"<script type=\"text/javascript\">window.location.href='{target}';</script>"
    return f'<!DOCTYPE html><html><head><meta charset="utf-8"><title></title>{head}</head><body></body></html>'
