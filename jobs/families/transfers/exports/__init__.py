"""From what an organization has to a file that it may download.

    request     ask for one, cancel it, get a link to its file
    statement   the one COPY that reads it: fields, filters, formula safety
    snapshot    the read-only transaction in which it runs: one moment in time, and no longer than
                EXPORTS_MAX_SECONDS, because PostgreSQL can remove nothing that died since
    formats     the bytes of COPY as CSV, TSV, JSONL, Parquet or XLSX, piece by piece
    write       the job: snapshot → object → manifest → completed
    removal     files go after seven days, and when the organization is suspended

An attempt that is lost begins anew, with another snapshot and another object: a file is never put
together from two moments.
"""
