"""Measures how the time of every regular expression of the project grows with hostile text. Run by test_regex_growth.

Prints one line of JSON: {"patterns": number, "slow": [[module, pattern, text, seconds], …]}.
"""

import ast
import importlib
import json
import re
import re._parser as _parser  # the one way to know what a pattern is made of
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PACKAGES = ("crawler", "pipelines", "exports")
SHORT, LONG = 6_000, 24_000
"""Characters. CPU time is measured: four times the text may take four times the time, and a little more."""
NOTICEABLE = 0.004
"""Seconds for the short text, below which nothing is measured further."""
SLOW = 0.15
"""Seconds for the long text, below which a growth is noise: linear patterns take a tenth of it."""
MOST_GROWTH = 8.0
LIMIT = 2
"""Seconds for one text."""
FILL = [
    " ",
    "\n",
    "\t",
    "　",
    "\xa0",
    "a",
    "0",
    "9",
    "字",
    "年",
    "<",
    ">",
    "(",
    "（",
    '"',
    "'",
    "=",
    "/",
    "*",
    "-",
    "—",
    ".",
    "、",
    ":",
    "：",
]
METHODS = {"compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer", "re", "re_first"}


class TooSlow(Exception):
    """One text took longer than LIMIT."""


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts), path


def collected() -> dict[tuple[str, int], tuple[str, bool]]:
    """(pattern, flags) -> (module, whether only matched from the beginning): compiled on import or in calls."""
    found: dict[tuple[str, int], str] = {}
    matched: set[str] = set()
    only_matched = anchored("\n".join(path.read_text(encoding="utf-8") for _, path in modules()))
    compile_ = re.compile
    name = ""

    def recording(pattern: Any, flags: int = 0) -> Any:
        compiled = compile_(pattern, flags)
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if caller.partition(".")[0] in PACKAGES:
            text = compiled.pattern.decode("latin-1") if isinstance(compiled.pattern, bytes) else compiled.pattern
            found.setdefault((text, int(flags)), caller)
        return compiled

    re.compile = recording  # type: ignore[assignment]
    try:
        for name, path in modules():
            for key, value in vars(importlib.import_module(name)).items():
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str) and key in only_matched:
                    matched.add(value.pattern)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                    continue
                if node.func.attr not in METHODS or not node.args:
                    continue
                is_re = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
                argument = node.args[0]
                if (is_re or node.func.attr in ("re", "re_first")) and isinstance(argument, ast.Constant):
                    text = argument.value
                    text = text.decode("latin-1") if isinstance(text, bytes) else text
                    if isinstance(text, str):
                        found.setdefault((text, 0), name)
    finally:
        re.compile = compile_
    return {pair: (module, pair[0] in matched) for pair, module in found.items()}


def literals(pattern: str) -> list[str]:
    """Runs of ordinary characters of a pattern, and single ones: what a hostile text is made of."""
    plain = re.sub(r"\\[a-zA-Z]|\{\d*,?\d*\}|\(\?[a-zA-Z<>=!:P]{0,3}", "\0", pattern)
    runs = re.findall(r"[^\0\\\[\](){}|?*+^$.]{1,12}", plain)
    singles = [*(run[0] for run in runs), *(run[-1] for run in runs), *characters(_parser.parse(pattern))]
    return list(dict.fromkeys([*runs, *singles]))[:60]


def characters(parsed: Any) -> Iterator[str]:
    """The characters a pattern names, also those written as escapes, and the ends of its ranges."""
    for operation, argument in parsed:
        if operation in (_parser.LITERAL, _parser.NOT_LITERAL):
            yield chr(argument)
        elif operation is _parser.RANGE:
            yield from map(chr, argument)
        else:
            for part in argument if isinstance(argument, tuple | list) else (argument,):
                if isinstance(part, _parser.SubPattern):
                    yield from characters(part)
                elif isinstance(part, list):
                    for choice in part:
                        yield from characters(choice if isinstance(choice, _parser.SubPattern) else [choice])
                elif isinstance(part, tuple):
                    yield from characters([part])


def texts(pattern: str) -> Iterator[str]:
    parts = literals(pattern)
    yield from FILL
    yield from parts
    for part in parts[:12]:
        for fill in (" ", "　", "a", "0", "字", "\n"):
            yield part + fill
            yield f"{part}|{fill}"


def text_of(recipe: str, size: int) -> str:
    """`a|b` is a once and then b again and again; anything else is repeated. Strangers at the end."""
    head, mark, fill = recipe.partition("|")
    if not mark or not fill or not head:
        head, fill = "", recipe
    return (head + fill * (size // len(fill) + 1))[:size] + "\x01>"


def anchored(sources: str) -> set[str]:
    """Names of patterns that are only ever matched from the beginning of a text."""
    uses: dict[str, set[str]] = {}
    for name, method in re.findall(r"\b(_?[A-Z][A-Z0-9_]{1,40})\.(\w{1,20})\b", sources):
        uses.setdefault(name, set()).add(method)
    return {name for name, methods in uses.items() if methods <= {"match", "fullmatch", "pattern"}}


def seconds(pattern: re.Pattern[str], text: str, whole: bool) -> float:
    best = LIMIT * 2.0
    for _ in range(2):
        start = time.process_time()
        if whole:
            pattern.match(text)
        else:
            for _ in pattern.finditer(text):
                pass
        pattern.fullmatch(text)
        best = min(best, time.process_time() - start)
        if best < NOTICEABLE:
            break
    return best


def measure(text: str, flags: int, whole: bool) -> tuple[str, float] | None:
    """The first hostile text that the pattern takes super-linear time for, and the seconds; None where none does."""
    pattern = re.compile(text, flags)
    for recipe in dict.fromkeys(texts(text)):
        signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
        try:
            short = seconds(pattern, text_of(recipe, SHORT), whole)
            if short < NOTICEABLE:
                continue
            long = seconds(pattern, text_of(recipe, LONG), whole)
            if long > SLOW and long / short > MOST_GROWTH:
                return recipe, long
        except TooSlow:
            return recipe, float(LIMIT)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return None


def _ring(*_: Any) -> None:
    raise TooSlow


def main() -> None:
    signal.signal(signal.SIGVTALRM, _ring)
    extra = [(text, 0) for text in sys.argv[1:]]
    patterns = dict.fromkeys(extra, ("given", False)) if extra else collected()
    slow = []
    for (text, flags), (module, whole) in patterns.items():
        if (found := measure(text, flags, whole)) is not None:
            slow.append([module, text, *found])
    print(json.dumps({"patterns": len(patterns), "slow": slow}, ensure_ascii=False))


if __name__ == "__main__":
    main()
