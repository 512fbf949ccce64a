"""Places where a test kills the process, to prove that what was acknowledged survives.

With ARCHIVE_FAILPOINT=NAME or NAME:COUNT in the environment, the process kills itself when it comes to that
place for the COUNT-th time (the first, by default). Without it this does nothing.
"""

import os
import signal
from itertools import count

_name, _, _count = os.environ.get("ARCHIVE_FAILPOINT", "").partition(":")
_visits = count(1)


def reach(name: str) -> None:
    """The process has come to the place of that name."""
    if name == _name and next(_visits) == int(_count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
