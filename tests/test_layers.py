"""Who may import whom, and how long a module may be."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("crawler", "pipelines", "exports")
MODULES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py") if "migrations" not in path.parts)
ALLOWED = {
    "crawler": ("crawler",),
    "exports": ("exports", "crawler.items", "crawler.settings"),
    "pipelines": ("pipelines", "exports", "crawler.items"),
}
EXCEPTIONS = {"crawler/spiders/replay.py": ("exports.warc",)}
LONGEST = 300


def imported(source: str, package: str = "") -> Iterator[str]:
    """The modules of the project that a module's source imports, wherever in it; `package` resolves relative ones."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parts, *filter(None, [base])])
            # from crawler import items is crawler.items
            names = [f"{base}.{alias.name}" for alias in node.names] if base in PACKAGES else [base]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] in PACKAGES)


def is_allowed(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in allowed)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_its_layer_may(path: Path) -> None:
    relative = path.relative_to(ROOT)
    allowed = ALLOWED[relative.parts[0]] + EXCEPTIONS.get(relative.as_posix(), ())
    package = ".".join(relative.parts[:-1])
    wrong = [name for name in imported(path.read_text(encoding="utf-8"), package) if not is_allowed(name, allowed)]
    assert not wrong


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import exports.warc", ["exports.warc"]),
        ("from exports import warc, jsonl", ["exports.warc", "exports.jsonl"]),
        ("def f():\n    from pipelines.dates import read_moment", ["pipelines.dates"]),
        ("from ..items import Entry", ["crawler.items"]),
        ("import re, lxml.html", []),
        ("from crawler_tools import x", []),
    ],
)
def test_every_form_of_import_is_seen(source: str, found: list[str]) -> None:
    assert list(imported(source, "crawler.pages")) == found


def test_the_rule_can_be_broken() -> None:
    assert not is_allowed("exports.warc", ALLOWED["crawler"])
    assert not is_allowed("crawler.urls", ALLOWED["pipelines"])
    assert not is_allowed("crawler.items_of_old", ALLOWED["pipelines"])
    assert len(MODULES) > 40
