"""Site files: every mistake names the file and the key."""

from pathlib import Path

import pytest

from crawler.exceptions import BadUsage
from crawler.pages import TEMPLATES
from crawler.settings import ARCHIVE_SITES_DIR
from crawler.site import choose, load_sites

GOOD = """title = "某委员会"
home = "https://jgdw.example.gov.cn/"
template = "mofcom"
file_hosts = ["images.example.gov.cn"]

[[columns]]
id = "zhuanti"
name = "重要专题"

[[columns]]
id = "dongtai"
name = "工作动态"
path = "article/dt/"
"""


def load(directory: Path, text: str | bytes, name: str = "jgdw.toml"):
    (directory / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return load_sites(directory)


def test_the_shipped_site_loads() -> None:
    site = choose(load_sites(Path(ARCHIVE_SITES_DIR)), "jgdw")
    assert (site.id, site.template in TEMPLATES) == ("jgdw", True)
    column = site.column("zhuanti")
    assert (column.name, column.path) == ("重要专题", None)


def test_a_site_is_read_whole(tmp_path: Path) -> None:
    [site] = load(tmp_path, GOOD)
    assert (site.id, site.title, site.home, site.template) == (
        "jgdw",
        "某委员会",
        "https://jgdw.example.gov.cn/",
        "mofcom",
    )
    assert site.file_hosts == ("images.example.gov.cn",)
    assert [(column.id, column.name, column.path) for column in site.columns] == [
        ("zhuanti", "重要专题", None),
        ("dongtai", "工作动态", "article/dt/"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('title = "某委员会"\n', "", "title"),
        ("title =", "titel =", "titel"),
        ('home = "https://jgdw.example.gov.cn/"\n', "", "home"),
        ("https://jgdw", "jgdw", "home"),
        ("https://jgdw.example.gov.cn/", "https://", "home"),
        ("https://jgdw.example.gov.cn/", "http://[", "home"),
        ('template = "mofcom"\n', "", "template"),
        ('"mofcom"', '"mofkom"', "mofkom"),
        ('"mofcom"', "3", "template"),
        ('["images.example.gov.cn"]', '"images.example.gov.cn"', "file_hosts"),
        ('["images.example.gov.cn"]', "[1]", "file_hosts"),
        ("file_hosts", "file_host", "file_host"),
        ('id = "zhuanti"\n', "", "id"),
        ('name = "重要专题"\n', "", "name"),
        ('"重要专题"', '" "', "name"),
        ('"重要专题"', "5", "name"),
        ('"zhuanti"', '"../etc"', r"\.\./etc"),
        ('"zhuanti"', '"重要"', "重要"),
        ('"zhuanti"', '"dongtai"', "dongtai"),
        ("path =", "pfad =", "pfad"),
        ("path =", "selector =", "selector"),
        ('"article/dt/"', "7", "path"),
        ("[[columns]]", "[columns]", "columns|declare|overwrite|table"),
        ('id = "zhuanti"', "id = zhuanti", "line|value|Invalid"),
    ],
)
def test_a_mistake_names_file_and_key(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert old in GOOD
    with pytest.raises(BadUsage, match=named) as raised:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert "jgdw.toml" in str(raised.value)
    assert "\n" not in str(raised.value)


LONG = "x" * 100_000
HOSTILE = {
    "long-title": GOOD.replace("某委员会", LONG),
    "long-home": GOOD.replace("gov.cn/", f"gov.cn/{LONG}", 1),
    "long-host": GOOD.replace("jgdw.", LONG, 1),
    "long-label": GOOD.replace("jgdw.", "j" * 64 + ".", 1),
    "empty-label": GOOD.replace("jgdw.", "jgdw..", 1),
    "long-template": GOOD.replace('"mofcom"', f'"{LONG}"'),
    "long-id": GOOD.replace('"zhuanti"', f'"{LONG}"'),
    "long-key": f"{LONG} = 1\n{GOOD}",
    "long-list": GOOD.replace('"某委员会"', "[" + "1," * 50_000 + "]"),
    "long-host-of-files": GOOD.replace("images.", LONG),
    "huge": GOOD + "#" + "x" * 1_000_000,
    "deep-list": "a = " + "[" * 50_000 + "\n" + GOOD,
    "deep-table": "a = " + "{a=" * 5_000 + "1" + "}" * 5_000 + "\n" + GOOD,
    "long-number": "a = " + "9" * 5_000 + "\n" + GOOD,
    "controls": GOOD.replace("某委员会", "\\u001b[31m\\u202e某"),
    "nul": GOOD.replace("article/dt/", "a\\u0000b"),
    "break-in-home": GOOD.replace("jgdw.", "jg\\ndw.", 1),
    "blank-in-home": GOOD.replace("jgdw.", "jg dw.", 1),
    "star": GOOD.replace("images.", "*."),
    "file": GOOD.replace("https://jgdw.example.gov.cn/", "file:///etc/passwd"),
    "no-utf-8": GOOD.encode("gb18030"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_site_file_holds_is_refused_in_one_short_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadUsage, match=r"jgdw\.toml") as raised:
        load(tmp_path, HOSTILE[name])
    line = str(raised.value)
    assert len(line) < 400 + len(str(tmp_path))
    assert line.isprintable()


def test_a_password_in_a_home_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="home") as raised:
        load(tmp_path, GOOD.replace("https://jgdw", "https://op:geheim4711@jgdw"))
    assert "geheim4711" not in str(raised.value)


def test_a_byte_order_mark_and_names_of_any_script_are_no_mistake(tmp_path: Path) -> None:
    text = GOOD.replace("jgdw.example.gov.cn", "机关党委.中国").replace("images", "图片")
    [site] = load(tmp_path, "\ufeff" + text.replace("某委员会", "某　委员会"))
    assert (site.home, site.file_hosts) == ("https://机关党委.中国/", ("图片.example.gov.cn",))
    assert "某　委员会" in site.title


@pytest.mark.parametrize(
    "text", ["", "columns = []", "columns = 5", "columns = [1]", b"\xff\xfe", GOOD.partition("[[")[0]]
)
def test_a_file_without_columns_is_refused(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(BadUsage, match=r"jgdw\.toml"):
        load(tmp_path, text)


def test_a_file_name_that_could_leave_its_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="A site"):
        load(tmp_path, GOOD, "A site.toml")


def test_an_empty_or_missing_folder_is_named(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "none"):
        with pytest.raises(BadUsage, match="ARCHIVE_SITES_DIR"):
            load_sites(directory)


def test_an_unknown_site_or_column_names_the_known_ones(tmp_path: Path) -> None:
    sites = load(tmp_path, GOOD)
    assert choose(sites, None) is sites[0]
    with pytest.raises(BadUsage, match="jgdw"):
        choose(sites, "jgdv")
    with pytest.raises(BadUsage, match="zhuanti, dongtai"):
        sites[0].column("zhuanty")
