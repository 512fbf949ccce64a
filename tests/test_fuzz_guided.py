"""A short run of the fuzzing that coverage guides: seconds for each reader, and the proof that it finds a defect."""

from pathlib import Path

import pytest

from tests.fuzz import guided
from tests.fuzz.planted import PLANTED
from tests.fuzz.targets import TARGETS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not guided.HERE, reason="Atheris has no wheel for this Python or machine"),
]
NAMES = list(TARGETS)


@pytest.mark.parametrize("names", [NAMES[::2], NAMES[1::2]], ids=["even", "odd"])
def test_seconds_of_guided_fuzzing_find_nothing(names: list[str], tmp_path: Path) -> None:
    ended = list(guided.run(names, tmp_path, seconds=2, longest=30, seed=5))
    assert [done.name for done in ended] == names
    for done in ended:
        assert not done.found, done.said[-3000:]
        # without instrumented readers libFuzzer sees no branch but its own
        assert (done.inputs > 20, done.covered > 20) == (True, True), done.said[-3000:]
    assert list(tmp_path.iterdir()) == []


def test_planted_defects_are_found_and_an_error_with_a_name_is_none(tmp_path: Path) -> None:
    said = {
        done.name: done.said
        for done in guided.run(list(PLANTED), tmp_path, seconds=20, longest=2, seed=5)
        if done.found
    }
    assert list(said) == ["planted raises", "planted never ends"]
    assert "KeyError: 'planted'" in said["planted raises"]
    assert "libFuzzer: timeout" in said["planted never ends"]
    kept = sorted(file.parent.name for file in tmp_path.glob("*/*") if file.read_bytes().startswith(b"Zt"))
    assert kept == ["planted-never-ends", "planted-raises"]
