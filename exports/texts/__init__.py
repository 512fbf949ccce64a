"""The text of attachments: what a file says, read by a process of its own within limits.

``kinds`` tells what a file is, ``readers`` read it, ``worker`` is that process, ``extraction`` talks to it,
``keeping`` stores what it found.
"""
