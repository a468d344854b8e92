-- seen: room for what the whole dry run is about; outlives its transactions, not its session.
-- parameters  none
-- result      none
-- locks       none
-- cost        an entry in the catalogue, and 100 bytes on disk for each row that comes
--
-- Not one long transaction: a snapshot that is open for minutes keeps vacuum from all tables.
CREATE TEMP TABLE imports_seen (
    row bigint, line bigint, identity uuid, digest bytea, outcome text, target_id bigint,
    mission_id bigint
) ON COMMIT PRESERVE ROWS
