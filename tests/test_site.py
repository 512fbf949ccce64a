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
