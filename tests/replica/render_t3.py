"""Article pages of the generations T1 to T3, which live side by side in one site."""

from html import escape

from tests.replica import chrome
from tests.replica.article_parts import (
    ArticleView,
    after_body,
    body,
    government_meta,
    heading,
    printed_time,
    script_string,
    title_html,
)


def article_page(view: ArticleView) -> str:
    """The whole page, in the markup its axis ``markup`` names."""
    markup = view.form("markup")
    head, main = {"T1": _t1, "T2": _t2, "T3": _t3}[markup](view)
    # A page whose includes failed has no tags either: its metadata is nowhere but in the listing.
    if view.form("row") != "ssi-error":
        head += government_meta(view, view.form("government-meta"))
    html = (
        f"{view.navigation}\n{chrome.breadcrumb(view.column, view.form('crumb'))}\n"
        f'<div class="main">{main}\n{view.rail}</div>\n{chrome.footer()}'
    )
    return chrome.page(head, html, view.story.full_title, view.charset)


def _t3(view: ArticleView) -> tuple[str, str]:
    head, row = _row(view)
    main = (
        f'<article class="article-box"><div class="art-info"><div class="at-left">{row}</div>'
        f'<div class="at-right"><a href="javascript:;">大</a><a href="javascript:;">小</a></div></div>\n'
        f'{heading(view)}\n<div class="art-con art-con-bottonmLine">\n{body(view)}\n</div>\n'
        f"{after_body(view)}</article>"
    )
    return head, main


def _row(view: ArticleView) -> tuple[str, str]:
    """What T3 puts into the head for its meta row, and the row."""
    story, form = view.story, view.form("row")
    source, kind, time = story.source, story.content_type, printed_time(story, short=True)
    if form == "ssi-error":
        return "", chrome.SSI_ERROR
    if form == "static":
        spans = (f"来源：{escape(source)}", f"类型：{kind}", printed_time(story))
        return "", "".join(f"<span>{span}</span>" for span in spans)
    if form == "script-inline":
        assigned = f"var source = {script_string(source)}; var infoType = {script_string(kind)};"
        write = 'document.write("来源：" + source + " 类型：" + infoType + " " + tm);'
        return "", f"<script>{assigned} var tm = {script_string(time)}; {write}</script>"
    if form == "script-other-names":
        names, quote = ("articleType", "publishTime"), "'"
    else:
        names, quote = ("contype", "tm"), '"'
    values = (("title", story.full_title), ("source", source), (names[0], kind), (names[1], time))
    lines = "\n".join(f"var {name} = {script_string(value, quote)};" for name, value in values)
    row = (
        "<span>来源：<script>document.write(source)</script></span>"
        f"<span>类型：<script>document.write({names[0]})</script></span>"
        f"<span><script>document.write({names[1]})</script></span>"
    )
    return f'<script type="text/javascript">\n{lines}\n</script>', row


def _t2(view: ArticleView) -> tuple[str, str]:
    story = view.story
    head, row = _row(view)
    title = title_html(story)
    ids = story.index % 2  # both spellings of T2 occur
    heading_html = f'<h1 id="artitle">{title}</h1>' if ids else f'<div class="artTitle">{title}</div>'
    container = '<div class="cont" id="zoom">' if ids else '<div class="artCon">'
    main = (
        f'<div class="art">{heading_html}<div class="artInfo">{row}</div>'
        f"{container}\n{body(view)}\n</div>\n{after_body(view)}</div>"
    )
    return head, main


def _t1(view: ArticleView) -> tuple[str, str]:
    story = view.story
    if view.form("row") == "ssi-error":
        row = chrome.SSI_ERROR
    else:
        time = printed_time(story)
        centred = f"<center>{time}</center>" if story.index % 2 else f'<div align="center">{time}</div>'
        kind = f"文章类型：{story.content_type} " if story.content_type else ""
        row = f'文章来源：<a href="#">{escape(story.source)}</a> {kind}内容分类：新闻{centred}'
    main = (
        f'<div class="content"><h4 id="artitle">{title_html(story)}</h4>\n<div id="arsource">{row}</div>\n'
        f'<div id="zoom">\n{body(view)}\n</div>\n{after_body(view)}</div>'
    )
    return "", main
