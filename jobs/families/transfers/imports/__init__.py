"""From a file that was uploaded to what it changed, and back.

    upload      the bytes into the store, the import into the database
    decide      choose, approve, cancel, resume, undo: what a person does
    states      where an import stands; transitions: the arrows, each audited
    perform     what a worker does: check → validate → commit, report, undo
    statements  the SQL of it: staged, resolved, written, set by set

Promises. A refused file writes nothing. A dry run writes nothing of the domain. A chunk is
committed exactly once, with its audit event, its journal and the checkpoint, whatever is killed
when. Before every chunk it is asked again whether who acts still may. What was imported can be
taken back for 30 days, but for what somebody has touched since.

The public names are those of `upload` and `decide`, each for a page, the API and a command alike.
"""
