"""The files for operators' machines, tried as far as this one can."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from scrapy.utils.project import get_project_settings

from crawler.arguments import read

CONTRIB = Path(__file__).parent.parent / "contrib"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in (CONTRIB / "systemd").iterdir():
        text = unit.read_text(encoding="utf-8").replace("/srv/zhuanti-archive/.venv/bin", str(tmp_path))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    for command in ("scrapy", "archive"):
        (tmp_path / command).symlink_to(sys.executable)
    units = [str(unit) for unit in tmp_path.iterdir() if unit.suffix in (".service", ".timer")]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_crontab_has_whole_lines() -> None:
    croniter = pytest.importorskip("croniter")
    lines = [line for line in (CONTRIB / "crontab").read_text().splitlines() if not line.startswith("#")]
    assert all(croniter.croniter.is_valid(" ".join(line.split()[:5])) for line in lines)
    assert len(lines) == 3


def test_what_the_image_copies_is_there() -> None:
    lines = (CONTRIB / "Containerfile").read_text(encoding="utf-8").splitlines()
    copied = [name for line in lines if line.startswith("COPY") for name in line.split()[1:-1]]
    assert [name for name in copied if not (CONTRIB.parent / name).exists()] == []
    assert {"crawler", "pipelines", "exports", "requirements.lock"} <= set(copied)


def test_an_argument_of_scrapyd_is_let_through() -> None:
    order = read(get_project_settings(), {"_job": "6487ec79947edab326d6db28a2d86511e8247444"}, "zhuanti")
    assert order.columns[0].id == "zhuanti"
