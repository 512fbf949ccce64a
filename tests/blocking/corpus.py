"""The corpus: block pages from forms.txt, articles from the demonstration site and from talk.txt."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

from tests.reading import HOME
from tests.replica.model import Reply
from tests.replica.site import Site

HERE = Path(__file__).parent
PAGE = f"{HOME}article/zt_x/a/202103/20210302979191.shtml"
ARTICLE_FORMS = (
    '<div class="position">当前位置：<a href="/">首页</a>><a href="/zt/">重要专题</a></div>'
    '<h1 class="art-title">{title}</h1><div class="at-left">来源：办公厅 类型：原创 2021-03-04 10:00</div>'
    '<div class="art-con art-con-bottonmLine">{body}</div>',
    '<h4 id="artitle">{title}</h4><div id="arsource"><a>办公厅</a> <span>2015-03-04 10:00</span></div>'
    '<div id="zoom">{body}</div>',
    '<div class="artTitle">{title}</div><p>文章来源：办公厅 2018-03-04 10:00</p><div class="artCon">{body}</div>',
)
OPINION = (
    '<div class="yjzj"><p>查看更多意见</p><form>姓名<input>手机号码<input>发表意见建议<textarea></textarea>'
    "验证码<input>看不清?</form></div>"
)


@dataclass(frozen=True)
class Sample:
    """One page and its label."""

    label: str
    """The kind of block page, or article."""
    name: str
    status: int
    body: bytes
    headers: dict[str, str]
    url: str = PAGE
    listed_title: str = "支部书记讲党课 青年党员谈体会"
    """What the column's listing calls it."""
    fetch: Callable[[str], Reply] | None = None
    """What the site answers to further paths: the article behind a redirect in script, the document of a frame."""


def block_pages() -> Iterator[Sample]:
    """Every form of forms.txt with every text and status of its group."""
    rng = random.Random(7)
    for kind, statuses, forms, texts in _groups():
        for number, (form, text, status) in enumerate(product(forms, texts, statuses)):
            script = f"var _0x{rng.randrange(10**6):x}='{rng.randbytes(90).hex()}';(function(a){{return a}})(_0x)"
            filled = form
            for name, value in {
                "text": text, "title": text[:8], "script": script, "number": str(rng.randrange(10**9)),
                "self": PAGE.removeprefix(HOME.rstrip("/")), "home": "/",
            }.items():  # fmt: skip
                filled = filled.replace("{" + name + "}", value)
            # a third of them as old systems send them
            body, charset = (filled.encode(), "utf-8") if number % 3 else (filled.encode("gb18030"), "gbk")
            yield Sample(kind, f"{kind} {number}", status, body, {"Content-Type": f"text/html; charset={charset}"})


def articles() -> Iterator[Sample]:
    """240 articles of the demonstration site in every generation, and those of talk.txt in every form."""
    for generation in ("t1", "t2", "t3", "t4"):
        site = Site(generation, 60, 11, True, 15)
        listed = {entry.path: entry.title for column in site.plan.columns.values() for entry in column.entries}
        for path in list(site.plan.listed)[:60]:
            reply = site.reply(path, {})
            if reply.status == 200:
                url = HOME.rstrip("/") + path
                fetch = partial(site.reply, headers={})
                yield Sample(
                    "article",
                    f"{generation} {path}",
                    200,
                    reply.body,
                    dict(reply.headers),
                    url,
                    listed.get(path, ""),
                    fetch,
                )
    lines = (HERE / "talk.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if line.startswith("#"):
            continue
        title, *paragraphs = line.split("|")
        body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
        for number, form in enumerate(ARTICLE_FORMS):
            for extra in ("", OPINION):
                page = form.replace("{title}", title).replace("{body}", body) + extra
                html = f"<html><head><title>{title}</title></head><body>{page}</body></html>".encode()
                yield Sample(
                    "article",
                    f"{title} {number} {bool(extra)}",
                    200,
                    html,
                    {"Content-Type": "text/html; charset=utf-8"},
                    listed_title=title,
                )


def _groups() -> Iterator[tuple[str, list[int], list[str], list[str]]]:
    kind, statuses, forms, texts = "", [], [], []
    for line in [*(HERE / "forms.txt").read_text(encoding="utf-8").splitlines(), "[end]"]:
        if line.startswith("["):
            if kind:
                yield kind, statuses, forms, texts
            kind, statuses, forms, texts = line.strip("[]"), [], [], []
        elif line.startswith("status "):
            statuses = [int(word) for word in line.split()[1:]]
        elif line.startswith("<"):
            forms.append(line)
        elif line.startswith("- "):
            texts.append(line[2:])
