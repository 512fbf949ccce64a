"""Fast mutations of bytes: no framework between the mutator and the parser."""

import random

SNIPPETS = [
    *(b"<", b">", b"</div>", b"<div>", b"<table><tr><td>", b"<br", b"<!--", b"-->", b"]]>", b"<![CDATA[", b"<script>"),
    *(
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98\x80",
        b"\xc0\x80",
        b"\r\n\r\n",
        b"\n",
        b"\t",
    ),
    *(
        b"&#0;",
        b"&#xD800;",
        b"&#x110000;",
        b"&nbsp;",
        b"&lt;",
        b"%00",
        b"%u4e2d",
        b"%E4%B8",
        b"..//..//",
        b"javascript:",
    ),
    *(
        b'"',
        b"'",
        b"`",
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b"(",
        b")",
        b"*",
        b"?",
        b"#",
        b":",
        b";",
        b",",
        b"=",
        b"-",
        b".",
    ),
    *(b"99999999999999999999", b"-1", b"0", b"1e999", b"NaN", b"2021-02-30", b"0000-00-00", b"null", b"true"),
    *(
        part.encode()
        for part in ("首页>", "来源：", "作者：", "（", "）", "　", "年", "月", "日", "·", "—", "\u202e", "\u3000")
    ),
    *(part.encode() for part in ("①", "㋿", "ﷺ", "İ", "ſ", "\u0300", "\u200b", "\u2028", "𠮷", "〇", "供稿", "主任")),
    "中文内容".encode("gb18030"),
    "党委".encode("utf-16"),
]


def mutated(rng: random.Random, data: bytes, other: bytes, most: int = 60_000) -> bytes:
    """The data with one to eight changes; ``other`` is an input to take pieces from."""
    parts = bytearray(data)
    for _ in range(1 + int(rng.expovariate(0.5)) % 8):
        kind = rng.randrange(8)
        at = rng.randrange(len(parts) + 1)
        if kind == 0:
            del parts[at : at + 1 + int(rng.expovariate(0.05))]
        elif kind == 1:
            parts[at:at] = rng.choice(SNIPPETS)
        elif kind == 2:
            parts[at : at + 1] = bytes((rng.randrange(256),))
        elif kind == 3:
            parts[at : at + rng.randrange(1, 5)] = rng.choice(SNIPPETS)
        elif kind == 4:
            start = rng.randrange(len(other) + 1)
            parts[at:at] = other[start : start + 1 + int(rng.expovariate(0.02))]
        elif kind == 5:
            start = rng.randrange(len(parts) + 1)
            parts[at:at] = parts[start : start + 1 + int(rng.expovariate(0.02))]
        elif kind == 6 and parts:
            parts[at % len(parts)] ^= 1 << rng.randrange(8)
        else:
            parts[at:at] = rng.choice(SNIPPETS) * rng.choice((2, 3, 40, 300))
    return bytes(parts[:most])
