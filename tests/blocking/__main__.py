"""`python -m tests.blocking`: the confusion matrix of SECURITY.md; ends with 1 on an error."""

import logging
import sys

from tests.blocking.corpus import articles, block_pages
from tests.blocking.verdicts import matrix, verdict


def main() -> int:
    logging.disable()
    found = matrix()
    verdicts = sorted({name for row in found.values() for name in row}, key=lambda name: (name != "archived", name))
    print("| page | pages | " + " | ".join(verdicts) + " |")
    print("|---|--:" + "|--:" * len(verdicts) + "|")
    for label, row in found.items():
        print(f"| {label} | {sum(row.values())} | " + " | ".join(str(row[name]) for name in verdicts) + " |")
    wrong = [sample for sample in block_pages() if verdict(sample) == "archived"]
    wrong += [sample for sample in articles() if verdict(sample) != "archived"]
    for sample in wrong:
        print(f"wrong: {sample.name}: {verdict(sample)}", file=sys.stderr)
    blocks = sum(sum(row.values()) for label, row in found.items() if label != "article")
    print(f"\n{blocks} block pages, {found['article'].total()} articles, {len(wrong)} taken for the other kind")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
