"""`make audit`: the pinned packages against the database of known vulnerabilities, in plain lines.

Ends with 0 where every package was judged and none is vulnerable, 1 where one is, 2 where something was not judged.
"""

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parent.parent / "requirements.lock"


def audit(pip_audit: str) -> tuple[int, list[str]]:
    """The exit code and what to say. Without ``--strict`` pip-audit tells of every package that it cannot judge."""
    command = [pip_audit, "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    done = subprocess.run([*command, "--format", "json", "-r", str(LOCK)], capture_output=True, text=True)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "it said nothing")
        return 2, [f"audit: nothing was judged, the database could not be asked: {last.strip()[:200]}"]
    said = [
        f"audit: {package['name']} {package['version']}: {vulnerability['id']}, mended in "
        + (", ".join(vulnerability["fix_versions"]) or "no version yet")
        for package in packages
        for vulnerability in package.get("vulns", ())
    ]
    unjudged = [package["name"] for package in packages if "skip_reason" in package]
    if unjudged or not packages:
        names = ", ".join(unjudged[:5]) + (" …" if len(unjudged) > 5 else "")
        said.append(
            f"audit: {len(unjudged)} of {len(packages)} packages are not in the database that answered: {names}"
        )
        return 1 if len(said) > 1 else 2, said
    return (1, said) if said else (0, [f"audit: {len(packages)} packages, none with a known vulnerability"])


def main() -> int:
    code, said = audit(sys.argv[1])
    print(*said, sep="\n", file=sys.stderr if code else sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(main())
