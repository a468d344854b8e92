"""The process that reads files: limited, and without database or network.

    protocol    frames: what parent and child say to each other
    parent      start it, hear it, end it
    main        be it
    verbs       what it can do: survey, rows, report

A file is anybody's: a workbook of 1 KB can make a reader allocate without end, or abort. So the
child has no address, no secret and no Django, ends at its limits, and dies with its parent.
"""
