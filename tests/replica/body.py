"""The body of an article in the many ways it has been typed, pasted and converted."""

from collections.abc import Iterator
from html import escape

from tests.replica.content import Block, Story

CENTRED = ("byline", "image", "caption")
WORD_STYLE = (
    "<!--[if gte mso 9]><xml><w:WordDocument><w:View>Normal</w:View></w:WordDocument></xml><![endif]-->"
    "<style>p.MsoNormal{mso-style-parent:'';font-family:仿宋_GB2312;}</style>"
)
ENGLISH = (
    '<DIV align=right><a href="http://english.mofcom.gov.cn/article/zt_open/" target="_blank">'
    '<img src="/images/ev.gif" border="0" alt="English Version"></a></DIV>'
)


def body_html(story: Story, form: str) -> str:
    """What stands inside the body container, in one of the forms of the axis ``body`` (iframe excepted)."""
    pieces = list(_pieces(story, form))
    if form == "br":
        return "　　" + "<br>\n<br/>　　".join(html for _, html in pieces) + "<br>"
    html = "\n".join(_wrapped(block, html, form) for block, html in pieces)
    if form == "word":
        return WORD_STYLE + html
    if form == "trs":
        return f'<div class="TRS_Editor"><style>.TRS_Editor P{{line-height:2;}}</style>{html}</div>'
    if form == "english":
        return f"{ENGLISH}\n{html}"
    return html


def iframe_html(story: Story) -> str:
    """The document inside the iframe, for articles whose body is one."""
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8"><title>正文</title></head><body><div class="doc">'
        f"{body_html(story, 'indent-p')}</div></body></html>"
    )


def _pieces(story: Story, form: str) -> Iterator[tuple[Block, str]]:
    """Each block with its inner HTML; a closing byline joins the block before it."""
    blocks = list(story.blocks)
    if story.editor_note:
        blocks.append(Block("note", story.editor_note))
    for place, block in enumerate(blocks):
        if block.kind == "closing":
            continue
        html = _inner(block, form)
        if place + 1 < len(blocks) and blocks[place + 1].kind == "closing":
            html += escape(blocks[place + 1].text)
        yield block, html


def _inner(block: Block, form: str) -> str:
    text = escape(block.text, quote=False)
    if block.kind == "image":
        return f'<img src="{escape(block.path)}" alt="{escape(block.text)}" width="600" />'
    if block.kind == "attachment":
        return f'附件：<a href="{escape(block.path)}" target="_blank">{text}</a>'
    if block.kind == "table":
        rows = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in block.rows)
        return f'<table border="1"><tbody><tr>{"</tr><tr>".join(rows)}</tr></tbody></table>'
    if block.kind == "heading":
        return f"<STRONG>{text}</STRONG>" if form == "upper" else f"<strong>{text}</strong>"
    if form == "word":
        half = len(text) // 2 if "&" not in text else 0  # never cut an entity in two
        return "".join(
            f'<span style="font-size:16.0pt;font-family:仿宋_GB2312;mso-bidi-font-size:10.5pt">{part}</span>'
            for part in (text[:half], text[half:])
            if part
        )
    if form == "upper":
        return text.replace("“", "&ldquo;").replace("”", "&rdquo;")
    return text


def _wrapped(block: Block, html: str, form: str) -> str:
    if block.kind == "table":
        return html
    centred = block.kind in CENTRED and not block.text.startswith(("（", "(", "【", "供稿"))
    indented = html if centred else f"　　{html}"
    if form in ("style-p", "english"):
        style = "text-align: center;" if centred else "text-indent: 2em;"
        return f'<p style="{style}">{html}</p>'
    if form == "upper":
        return f"<P align={'center' if centred else 'left'}>{indented}</P>"
    if form == "word":
        align = "center" if centred else "left"
        start = "" if centred else "<span>&nbsp;&nbsp;&nbsp; </span>"
        return f'<p class="MsoNormal" align="{align}" style="mso-pagination:none">{start}{html}<o:p></o:p></p>'
    if form == "div":
        return f'<div align="center">{html}</div>' if centred else f"<div>{indented}</div>"
    opened = '<p align="center">' if centred else "<p>"
    if form == "p-in-p":
        return f"<p>{opened}{indented}</p></p>"
    return f"{opened}{indented}</p>"
