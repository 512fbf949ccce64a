"""Forms, bars, neighbours and footers never enter the text, however marked up; the text stays whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reading import read

PARAGRAPHS = [
    "初春的清晨，机关食堂门口排起了队，志愿者把热粥一碗碗递到同事手里，大家的心也跟着暖了起来。",
    "“小事做好了，大事才有底气。”支部书记在会上这样说，随后逐条讲解了今年的工作安排；会后又留下来答疑。",
    "回到办公室，年轻同志把学习体会写进了笔记本，约定下个月再来交流一次。",
]
WORDS = ("单位名称", "姓名", "手机号码", "意见分类", "发表意见建议", "验证码", "看不清?")
CONTROL = {"手机号码": "<input name='tel'>", "意见分类": "<select><option>咨询</option></select>", "验证码": "<input>"}


def marked(outer: str, inner: str, with_controls: bool) -> str:
    rows = "".join(inner.format(word, CONTROL.get(word, "") if with_controls else "") for word in WORDS)
    return outer.format(rows)


FORMS = {
    "form": marked("<form action='/s'>{}</form>", "<p><label>{}</label>{}</p>", True),
    "table": marked("<table>{}</table>", "<tr><td>{}</td><td>{}</td></tr>", True),
    "table without controls": marked("<table>{}</table>", "<tr><td>{}</td><td>{}</td></tr>", False),
    "dl": marked("<dl>{}</dl>", "<dt>{}</dt><dd>{}</dd>", True),
    "ul": marked("<ul>{}</ul>", "<li>{}：{}</li>", True),
    "divs": marked("<div>{}</div>", "<div>{}{}</div>", False),
    "bare divs": marked("{}", "<div>{}{}</div>", False),
    "paragraphs": marked("{}", "<p>{}{}</p>", False),
    "lines": marked("<br>{}", "{}{}<br>", False),
    "one paragraph": marked("<p>{}</p>", "{}{}<br>", True),
    "spans": marked("{}", "<span>{}</span>{}", False),
    "starred": marked("<div>{}</div>", "<div><em>*</em> <b>{}</b>（必填）{}</div>", True),
    "headings": marked("<section>{}</section>", "<h4>{}</h4>{}", False),
    "dump": "<div>查看更多意见 单位名称 姓名 手机号码 意见分类 发表意见建议 验证码验证码看不清? 智能问答</div>",
    "with options": (
        "<table><tr><td>意见分类</td><td>意见建议 投诉举报 咨询求助</td></tr>"
        "<tr><td>验证码</td><td>看不清?</td></tr></table>"
    ),
    "with a sentence": "<p>发表意见建议</p><p>感谢您的关注，请留下宝贵意见。</p><p>姓名</p><p>验证码 看不清?</p>",
}
BARS = {
    "share": "<div>分享到：<a>微信</a><a>微博</a><a>QQ空间</a></div>",
    "print and close": (
        "<p>【<a href='javascript:window.print()'>打印</a>】【<a href='javascript:window.close()'>关闭</a>】</p>"
    ),
    "neighbours": "<p>上一篇：<a href='1.shtml'>夏季读书通知</a></p><p>下一篇：没有了</p>",
    "neighbours in pieces": (
        "<div>上一篇</div><div><a href='1.shtml'>夏季读书通知</a></div>"
        "<div>下一篇</div><div><a href='2.shtml'>运动会侧记</a></div>"
    ),
    "neighbours in a line": (
        "<div>上一篇：<a href='1.shtml'>夏季读书通知</a> 下一篇：<a href='2.shtml'>运动会侧记</a></div>"
    ),
    "related": (
        "<div><h3>相关链接</h3><ul><li><a href='1.shtml'>夏季读书通知</a></li>"
        "<li><a href='2.shtml'>运动会侧记</a> 2021-03-04</li></ul></div>"
    ),
    "related in a line": "<div>相关阅读：<a href='1.shtml'>夏季读书通知</a></div>",
    "footer": "<div>网站声明 | 关于我们<br>主办单位：某部 网站标识码：bm22000001 京ICP备05004093号</div>",
    "font size": "<div>字体：[<a>大</a> <a>中</a> <a>小</a>]</div>",
    "failed include": "[an error occurred while processing this directive]",
    "hidden": "<div style='display:none'>这是一句看不见的话。</div>",
}


def page(body: str, after: str = "") -> str:
    head = "<div>首页&gt;重要专题</div><h1>春天里的学习会</h1>"
    return f"<html><body>{head}<div class='art-con'>{body}</div>{after}</body></html>"


def paragraphs(texts: list[str], tag: str = "p") -> str:
    return "".join(f"<{tag}>　　{text}</{tag}>" for text in texts)


@pytest.mark.parametrize("furniture", (FORMS | BARS).values(), ids=(FORMS | BARS).keys())
@pytest.mark.parametrize("place", ["inside", "wrapped", "after", "before its end"])
def test_furniture_is_not_text(furniture: str, place: str) -> None:
    body = paragraphs(PARAGRAPHS)
    markup = {
        "inside": page(body + furniture),
        "wrapped": page(f"{body}<div class='zz'><div>{furniture}</div></div>"),
        "after": page(body, furniture),
        "before its end": page(f"{body}{furniture}<p>智能问答</p><div>打印 关闭</div>"),
    }[place]
    article = read(markup)
    assert article.body_text.split("\n") == PARAGRAPHS
    assert (article.author, article.editor_note) == ("", "")


def test_note_and_byline_before_the_form_are_found() -> None:
    for furniture in FORMS.values():
        article = read(page(paragraphs([*PARAGRAPHS, "（院办公室 闫曼曼）", "（本文发布时有删节）"]) + furniture))
        assert (article.author, article.editor_note) == ("闫曼曼", "（本文发布时有删节）")
        assert article.body_text.split("\n") == PARAGRAPHS


SPOKEN = [
    "姓名",
    "打印",
    "关闭",
    "验证码",
    "分享",
    "上一篇",
    "相关链接",
    "返回",
    "大",
    "主办单位：市图书馆",
    "上一篇：我们谈了理论。",
]


@pytest.mark.parametrize("tag", ["p", "div", "h4", "li", "p><strong"])
@pytest.mark.parametrize("word", SPOKEN)
def test_a_short_paragraph_between_others_stays(word: str, tag: str) -> None:
    closing = "</strong></p>" if "strong" in tag else f"</{tag}>"
    body = f"{paragraphs(PARAGRAPHS[:1])}<{tag}>{word}{closing}{paragraphs(PARAGRAPHS[1:])}"
    assert read(page(body)).body_text.split("\n") == [PARAGRAPHS[0], word, *PARAGRAPHS[1:]]


def test_words_in_sentences_stay_anywhere() -> None:
    texts = [
        "登记时要写清姓名、单位名称和手机号码，不得代填。",
        PARAGRAPHS[0],
        "输入验证码后点“关闭”，系统才会打印凭证；看不清的同志可以请人帮忙。",
        "活动结束，请关闭电源。",
    ]
    for tag in ("p", "div", "li"):
        assert read(page(paragraphs(texts, tag))).body_text.split("\n") == texts


@pytest.mark.parametrize("last", [True, False], ids=["last", "between"])
def test_a_table_of_such_words_stays(last: bool) -> None:
    head = "<tr><th>姓名</th><th>单位名称</th><th>手机号码</th></tr>"
    for rows, expected in (
        ("<tr><td>李小雨</td><td>信息处</td><td>略</td></tr>", ["姓名\t单位名称\t手机号码", "李小雨\t信息处\t略"]),
        ("<tr><td></td><td>&nbsp;</td><td></td></tr>", ["姓名\t单位名称\t手机号码"]),
    ):
        rest = [] if last else PARAGRAPHS[1:]
        body = f"{paragraphs(PARAGRAPHS[:1])}<table>{head}{rows}</table>{paragraphs(rest)}"
        for form in ("", FORMS["divs"], FORMS["form"], FORMS["table"]):
            assert read(page(body + form)).body_text.split("\n") == [PARAGRAPHS[0], *expected, *rest]


def test_the_end_of_an_article_is_no_footer() -> None:
    texts = [
        *PARAGRAPHS,
        "主办单位：市图书馆",
        "承办单位：第三党支部",
        "联系电话：010-12345678",
        "第三党支部",
        "2021年3月4日",
    ]
    assert read(page(paragraphs(texts))).body_text.split("\n") == texts


def test_a_container_named_like_a_bar_may_hold_the_text() -> None:
    for wrapper in (
        "<div id='print' class='print'>{}</div>",
        "<form name='f'>{}</form>",
        "<div class='share'>{}</div>",
    ):
        assert read(page(wrapper.format(paragraphs(PARAGRAPHS)))).body_text.split("\n") == PARAGRAPHS


def test_files_after_the_bars_are_kept() -> None:
    body = paragraphs(PARAGRAPHS) + BARS["share"] + '<p>附件：<a href="/x/1.doc">名册.doc</a></p>'
    article = read(page(body))
    assert article.body_text.split("\n") == [*PARAGRAPHS, "附件：名册.doc"]
    assert [file.name for file in article.attachments] == ["名册.doc"]


@given(
    st.lists(st.sampled_from([*PARAGRAPHS, *SPOKEN, "灯火可亲"]), max_size=6),
    st.sampled_from(sorted(FORMS)),
    st.lists(st.sampled_from(sorted(BARS)), max_size=3, unique=True),
)
def test_whatever_stands_between_sentences_comes_back(middle: list[str], form: str, bars: list[str]) -> None:
    texts = [PARAGRAPHS[0], *middle, PARAGRAPHS[2]]
    furniture = FORMS[form] + "".join(BARS[bar] for bar in bars)
    assert read(page(paragraphs(texts) + furniture)).body_text.split("\n") == texts
