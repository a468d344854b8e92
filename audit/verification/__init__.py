"""Whether the log is still what was written and signed.

events   one organization's events, batches and checkpoints against each other
report   what was found, and what could not be excluded
offline  the same from a folder of files, without Django, the database or the code that seals
"""
