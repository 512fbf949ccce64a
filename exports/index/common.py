"""The common terms of an archive: sequences of characters so frequent that finding them by their characters is slow.

They are chosen from a sample of the texts when the index is made, and kept with it; a text is listed under each of
them that it holds. Whatever is chosen, the same texts are found: only how quickly depends on it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import compress
from operator import add

from exports.index.document import Document
from exports.index.text import ideographs

SAMPLE = 2000
"""Articles that are looked through for common terms."""
_LONGEST = 8
"""Characters of the longest."""
_BUDGET = 0.13
"""Entries of a text in the list of the common terms it holds, as a share of the text's bytes; an entry takes about one
byte. With them the whole index takes less than the texts."""
_WORD, _WORDS_BUDGET = 4, 0.03
"""Characters of a word that is listed though fewer texts hold it, and the share of the texts' bytes for such words.
They are asked for most, and are the slowest to find by their characters where all of those are frequent."""
_LOOKED_AT = 64
"""Characters of a word that are compared with the common terms: more would not narrow what is left to look through."""
_FLOOR = 0.005
"""Share of the texts in which a term occurs at least."""
_LEAST = 10
"""Texts of the sample in which it does at least: fewer say little of the others."""
_COMMON = 0.07
"""Share of the texts in which a character occurs that is common by itself."""
_COSTLY = 0.3
"""The same of a character by which finding takes long: only words of such characters are listed."""


def chosen(sample: Collection[Document]) -> frozenset[str]:
    """The common terms of the texts, as many as there is space for; and the common characters.

    None spans lines: nobody can ask for it.
    """
    texts = [text for document in sample for text in (document.title, document.body)]
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    holding = Counter(char for document in sample for char in {*document.title, *document.body} - {"\n"})
    frequent = _frequent(sample, holding)
    costly = {char for char, texts_with in holding.items() if texts_with >= _COSTLY * len(sample)}
    terms = set(_within_budget(frequent, _BUDGET * size))
    words = {
        term: texts_with
        for term, texts_with in frequent.items()
        if len(term) == _WORD and term not in terms and costly.issuperset(term) and ideographs(term)
    }
    terms.update(_within_budget(words, _WORDS_BUDGET * size))
    common = {char for char, texts_with in holding.items() if texts_with >= _COMMON * len(sample)}
    return frozenset({*terms, *common, *"".join(terms)})


def _within_budget(found: Mapping[str, int], left: float) -> Iterator[str]:
    """The most frequent ones; the shorter of equals first."""
    for term, texts_with in sorted(found.items(), key=lambda entry: (-entry[1], len(entry[0]), entry[0])):
        left -= texts_with
        if left < 0:
            return
        yield term


def _frequent(sample: Collection[Document], holding: Mapping[str, int]) -> dict[str, int]:
    """term -> texts, of terms of two and more characters; `holding` says it of the characters."""
    least = max(_FLOOR * len(sample), min(_LEAST, len(sample) / 10), 1)
    parts = {char for char, texts in holding.items() if texts >= least}
    result: dict[str, int] = {}
    for size in range(2, _LONGEST + 1):
        counted: Counter[str] = Counter()
        for document in sample:
            counted.update(
                {
                    text[start : start + size]
                    for text in (document.title, document.body)
                    for start in range(len(text) - size + 1)
                    if text[start : start + size - 1] in parts and text[start + 1 : start + size] in parts
                }
            )
        parts = {term for term, texts in counted.items() if texts >= least}
        result |= {term: counted[term] for term in parts}
    return result


def held(document: Document, terms: frozenset[str]) -> set[str]:
    """The terms of two and more characters that the text holds."""
    if not terms:  # a young archive knows none
        return set()
    beginnings = _beginnings(terms)
    return {term for text in (document.title, document.body) for term in _within(text, terms, beginnings)}


@lru_cache(maxsize=1)
def _beginnings(terms: frozenset[str]) -> frozenset[str]:
    """What of two and more characters the terms begin with, short of themselves."""
    return frozenset(term[:size] for term in terms for size in range(2, len(term)))


def _within(text: str, terms: Collection[str], beginnings: Collection[str]) -> Iterator[str]:
    starts: Sequence[int] = range(len(text) - 1)
    found = list(map(add, text, text[1:]))
    while found:
        yield from set(compress(found, map(terms.__contains__, found)))
        size = len(found[0]) + 1
        goes_on = map(beginnings.__contains__, found)
        starts = [start for start in compress(starts, goes_on) if start + size <= len(text)]
        found = [text[start : start + size] for start in starts]


def parts(word: str) -> set[str]:
    """What of a word may be a common term: its characters, and its pieces of up to so many."""
    word = word[:_LOOKED_AT]
    sizes = range(1, min(_LONGEST, len(word)) + 1)
    return {word[start : start + size] for size in sizes for start in range(len(word) - size + 1)}


def covering(word: str, terms: Collection[str]) -> list[str]:
    """The longest common terms in the word: each text that holds the word holds them."""
    word = word[:_LOOKED_AT]
    found: list[str] = []
    end = 0
    for start in range(len(word) - 1):
        sizes = range(min(_LONGEST, len(word) - start), 1, -1)
        size = next((size for size in sizes if word[start : start + size] in terms), 0)
        if size and start + size > end:
            found.append(word[start : start + size])
            end = start + size
    return list(dict.fromkeys(found))


def spelled(terms: Iterable[str]) -> str:
    """The terms as tokens of FTS5's ascii tokenizer, which parts at whatever is ASCII and no letter or digit."""
    return " ".join([term if term.isalnum() else term.translate(_SPELLED) for term in terms])


def _spelling(number: int) -> str:
    return chr(0xFDD0 + number // 16) + chr(0xFDE0 + number % 16)


# As two of the 32 characters that never stand for text, and where they do all the same are spelled so themselves
_SPELLED = {code: _spelling(code) for code in range(128) if not chr(code).isalnum()}
_SPELLED |= {0xFDD0 + number: _spelling(128 + number) for number in range(32)}
