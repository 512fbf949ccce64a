"""The list of what the program consists of names every pinned package, with its hashes."""

import re

from benchmarks.sbom import LOCK, components


def test_every_pinned_package_is_listed_with_its_hashes() -> None:
    lock = LOCK.read_text(encoding="utf-8")
    listed = components(lock)
    assert len(listed) == len(re.findall(r"^[A-Za-z0-9][^\s]*==", lock, re.M)) > 30
    assert all(component["hashes"] and component["purl"] for component in listed)
    assert sum(len(component["hashes"]) for component in listed) == lock.count("sha256:")  # type: ignore[arg-type]
