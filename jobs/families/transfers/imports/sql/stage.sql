-- stage: room for the checked rows of one chunk, which COPY fills next.
-- parameters  none
-- result      none; the table goes with the transaction
-- locks       none
-- cost        an entry in the catalogue
--
-- COPY into a table with row security is refused, so rows come in by way of this one. Its columns are
-- `rules.timeline.STAGED`. No value is judged here: Python has done that, moments are RFC 3339 in UTC.
CREATE TEMP TABLE imports_staged (
    row bigint, line bigint, key text, id bigint, mission text, kind text, title text,
    starts_at timestamptz, ends_at timestamptz, location text, notes text, clears integer
) ON COMMIT DROP
