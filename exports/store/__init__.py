"""The shared store (ARCHIVE_STORE): evidence and files where every machine of the archive can read them.

places.py answers where a file is, uploading.py brings the store what it lacks, objects.py speaks to it and joining.py
knows whose store it is.
"""
