"""Our extractor against general ones, on one labelled set, in one run.

    python -m benchmarks.extraction [--pages 160] [--seed 20261129] [--python VENV/bin/python]

The set are pages of the demonstration site in all its forms and generations, made with a seed no test uses; frames
and pages that only redirect are left out, as a general extractor has no second request. Everybody gets the decoded
page. The others run in a virtual environment of their own (``benchmarks/requirements-extraction.txt``), made unless
--python names one. Body: precision, recall and F1 over pairs of neighbouring characters, blanks left out, mean of the
pages; exact: the same text, blanks aside; leak: words of forms, bars or the footer in the body.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from benchmarks.extractors import EXTRACTORS
from crawler.items import Article
from tests.reading import read
from tests.replica import Replica

HERE = Path(__file__).parent
HOME = "http://jgdw.mofcom.gov.cn"
LEAKS = (
    *("查看更多意见", "发表意见建议", "看不清", "智能问答", "上一篇", "下一篇", "网站声明", "主办单位", "打印本页"),
    *("关闭窗口", "分享到", "意见分类", "手机号码"),
)
OURS_ONLY = ("unit", "position", "source", "content_type", "breadcrumb", "subtitle", "editor_note")
"""Fields no general extractor has."""


@dataclass
class Score:
    """What one extractor did."""

    pages: int = 0
    precision: float = 0
    recall: float = 0
    f1: float = 0
    exact: int = 0
    leaking: int = 0
    crashes: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    """Field -> pages on which it is exact."""
    known: Counter[str] = field(default_factory=Counter)
    """Field -> pages whose truth has it."""
    seconds: float = 0


def labelled(count: int, seed: int) -> list[dict[str, Any]]:
    """Pages with their truth, half of them of each generation of the site."""
    pages = []
    for generation in ("t3", "t4"):
        site = Replica(generation=generation, articles=count, seed=seed)
        taken = 0
        for path, truth in site.expected.items():
            index = site.site.plan.listed[path]
            framed = site.site.form("body", index) == "iframe"
            if taken == count // 2 or truth.redirect or framed or not truth.paragraphs:
                continue
            taken += 1
            reply = site.site.reply(path, {})
            html = reply.body.decode("gb18030" if truth.encoding == "gb18030" else "utf-8")
            pages.append(
                {"url": urljoin(HOME, path), "html": html.replace("charset=gb2312", "charset=utf-8")} | asdict(truth)
            )
    return pages


def ours(pages: list[dict[str, Any]]) -> tuple[float, list[Article | None]]:
    """CPU seconds and articles: template and every pipeline."""
    read(pages[0]["html"], pages[0]["url"])
    found: list[Article | None] = []
    started = time.process_time()
    for page in pages:
        try:
            found.append(
                read(
                    page["html"], page["url"], listed_title=page["listed_title"], listed_date=page["listed_date"] or ""
                )
            )
        except Exception as error:
            print(f"ours: {page['url']}: {error}", file=sys.stderr)
            found.append(None)
    return time.process_time() - started, found


def score(pages: list[dict[str, Any]], results: list[dict[str, Any] | None], seconds: float) -> Score:
    """Compare the results with the truth."""
    total = Score(pages=len(pages), seconds=seconds)
    for page, result in zip(pages, results, strict=True):
        truth = _truth(page)
        total.known.update(name for name, value in truth.items() if value)
        if result is None:
            total.crashes += 1
            continue
        wanted, found = _dense("".join(page["paragraphs"])), _dense(result.get("body") or "")
        precision, recall = _overlap(wanted, found)
        total.precision += precision / len(pages)
        total.recall += recall / len(pages)
        total.f1 += 2 * precision * recall / (precision + recall) / len(pages) if precision + recall else 0
        total.exact += wanted == found
        total.leaking += any(word in found and word not in wanted for word in LEAKS)
        total.fields.update(name for name, value in truth.items() if value and _same(name, value, result.get(name)))
    return total


def _truth(page: dict[str, Any]) -> dict[str, str]:
    authors = page["authors"]
    joined = {
        n: "、".join(dict.fromkeys(a[i] for a in authors if a[i])) for i, n in enumerate(("author", "unit", "position"))
    }
    plain = {name: page[name] for name in ("title", "source", "content_type", "subtitle", "editor_note")}
    return joined | plain | {"date": page["published_at"] or "", "breadcrumb": ">".join(page["breadcrumb"])}


def _same(name: str, wanted: str, found: Any) -> bool:
    text = str(found or "")
    if name == "date":  # to the day: what most of them give
        return text[:10].replace("/", "-") == wanted[:10]
    return _dense(text) == _dense(wanted)


def _dense(text: str) -> str:
    return "".join(text.split())


def _overlap(wanted: str, found: str) -> tuple[float, float]:
    pairs = [Counter(text[n : n + 2] for n in range(len(text) - 1)) for text in (wanted, found)]
    both = (pairs[0] & pairs[1]).total()
    return both / max(pairs[1].total(), 1), both / max(pairs[0].total(), 1)


def theirs(python: str, name: str, path: Path) -> tuple[float, list[dict[str, Any] | None]]:
    """CPU seconds and results of a general extractor, in a process of its own."""
    done = subprocess.run([python, str(HERE / "extractors.py"), name, str(path)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["seconds"], answer["results"]


def environment(folder: Path) -> str:
    """A virtual environment with the general extractors; returns its Python."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--upgrade", "pip"], check=True)
    requirements = HERE / "requirements-extraction.txt"
    if subprocess.run([*pip, "-r", str(requirements)], capture_output=True).returncode:
        # one by one: who does not install here (magic-html needs Python 3.12) is named in the table
        for line in requirements.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                subprocess.run([*pip, line], capture_output=True)
    return python


def row(name: str, found: Score) -> str:
    """A line of the table."""
    rate = found.pages / found.seconds if found.seconds else 0
    shares = [f"{found.fields[name]}/{found.known[name]}" for name in ("title", "author", "date")]
    measures = (
        f"{found.precision:.3f} | {found.recall:.3f} | {found.f1:.3f} | {found.exact}/{found.pages} | {found.leaking}"
    )
    return f"| {name} | {measures} | {' | '.join(shares)} | {rate:.0f} | {found.crashes} |"


def main() -> None:
    """Print the table, and what only ours has below it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=160)
    parser.add_argument("--seed", type=int, default=20261129)
    parser.add_argument("--python", help="a Python that has the general extractors installed")
    options = parser.parse_args()
    pages = labelled(options.pages, options.seed)
    seconds, articles = ours(pages)
    own = [
        article
        and {name: getattr(article, name) for name in ("title", "author", *OURS_ONLY)}
        | {"date": article.published_at, "body": article.body_text, "breadcrumb": ">".join(article.breadcrumb)}
        for article in articles
    ]
    mine = score(pages, own, seconds)
    print("| extractor | precision | recall | F1 | exact | leaking | title | author | date | pages/CPU-s | crashes |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    print(row("ours", mine), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.json"
        path.write_text(json.dumps(pages, ensure_ascii=False), encoding="utf-8")
        python = options.python or environment(Path(folder) / "venv")
        for name in EXTRACTORS:
            try:
                used, results = theirs(python, name, path)
            except RuntimeError as error:
                print(f"| {name} | did not run: {error} |", flush=True)
            else:
                print(row(name, score(pages, results, used)), flush=True)
    print("\nonly ours: " + ", ".join(f"{name} {mine.fields[name]}/{mine.known[name]}" for name in OURS_ONLY))


if __name__ == "__main__":
    main()
