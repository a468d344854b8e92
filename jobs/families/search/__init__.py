"""Search indexing: every mission and project can be found a moment after it was changed.

A job carries no document. `SearchEntry` counts the versions of each document, in the transaction of
the change (`counter`); an index job reads version, content and the generations of the index in one
statement (`documents`), and a backend writes a document iff its version is greater than the one it
has. So jobs may be late, doubled, reordered, lost and asked for again: the newest version wins.
Versions come from the counter only, never from a clock.

A generation (`generations`) is one organization's index, built once: re-indexing fills a new one
beside the old, and readers move from one to the other in one step. Deletes are documents too:
tombstones, kept by us until no job can be older than they are.
"""
