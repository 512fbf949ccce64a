"""`make sbom`: the pinned packages of requirements.lock as CycloneDX 1.6, with their hashes; offline."""

import json
import re
import sys
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path

LOCK = Path(__file__).parent.parent / "requirements.lock"


def components(lock: str) -> list[dict[str, object]]:
    """One component for each pinned package: name, version, licence where it is installed, hashes of its files."""
    found = []
    for block in re.split(r"\n(?=[A-Za-z0-9])", lock):
        if not (match := re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", block)):
            continue
        name, pinned = match.groups()
        component: dict[str, object] = {
            "type": "library", "name": name, "version": pinned, "purl": f"pkg:pypi/{name.lower()}@{pinned}",
            "hashes": [{"alg": "SHA-256", "content": digest} for digest in re.findall(r"sha256:([0-9a-f]{64})", block)],
        }  # fmt: skip
        if licence := _licence(name):
            component["licenses"] = [{"license": {"name": licence}}]
        found.append(component)
    return found


def _licence(name: str) -> str | None:
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return None
    text = about.get("License-Expression") or about.get("License") or ""
    return text.splitlines()[0][:80] if text else None


def main() -> None:
    project = {"type": "application", "name": "zhuanti-archive", "version": version("zhuanti-archive")}
    listed = components(LOCK.read_text(encoding="utf-8"))
    bom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "metadata": {"component": project}}
    json.dump(bom | {"components": listed}, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
