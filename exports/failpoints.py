"""Places where a test kills the process or fills the disk, to prove that what was acknowledged survives.

With ARCHIVE_FAILPOINT=NAME or NAME:COUNT in the environment, the process kills itself when it comes to that
place for the COUNT-th time (the first, by default). With ARCHIVE_FAILPOINT_FULL=1 the disk is full there instead, from
that time on. Without them this does nothing.
"""

import errno
import os
import signal
from itertools import count

_name, _, _count = os.environ.get("ARCHIVE_FAILPOINT", "").partition(":")
_full = os.environ.get("ARCHIVE_FAILPOINT_FULL") == "1"
_visits = count(1)
processes: tuple[int, ...] = (os.getpid(),)
"""Who is killed: this process, and the crawl it keeps the archive for."""


def reach(name: str) -> None:
    """The process has come to the place of that name. Raises OSError where the disk is to be full."""
    if name != _name:
        return
    visit = next(_visits)
    if _full and visit >= int(_count or 1):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if visit == int(_count or 1):
        for process in processes:
            os.kill(process, signal.SIGKILL)
