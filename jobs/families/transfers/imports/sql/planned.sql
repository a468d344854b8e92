-- planned: what the chunk would write, one line for each value that is not there yet.
-- parameters  organization_id bigint, outcome text (added or changed), most bigint (rows; null: all)
-- result      row, id, external_id, title, field, before, after, in the order of the file; as text that
--             no spreadsheet computes
-- locks       none
-- cost        an index look-up a row that changes, and three for missions
SELECT r.row, r.target_id AS id, safe(r.external_id) AS external_id, safe(r.title) AS title, v.field,
    safe(v.before) AS before, safe(v.after) AS after
FROM (
    SELECT * FROM imports_resolved WHERE outcome = %(outcome)s ORDER BY row LIMIT %(most)s
) r
LEFT JOIN LATERAL (
    SELECT * FROM tenancy_timelineentry o
    WHERE o.organization_id = %(organization_id)s AND o.id = r.target_id
    LIMIT 1
) e ON true
LEFT JOIN tenancy_mission m ON m.organization_id = %(organization_id)s AND m.id = r.mission_id
LEFT JOIN tenancy_mission b ON b.organization_id = %(organization_id)s AND b.id = e.mission_id
CROSS JOIN LATERAL (
    VALUES (1, 'mission', b.reference, m.reference),
        (2, 'external_id', e.external_id, r.external_id),
        (3, 'kind', e.kind, r.kind),
        (4, 'title', e.title, r.title),
        (5, 'starts_at', to_json(e.starts_at) #>> '{}', to_json(r.starts_at) #>> '{}'),
        (6, 'ends_at', to_json(e.ends_at) #>> '{}', to_json(r.ends_at) #>> '{}'),
        (7, 'location', nullif(e.location, ''), nullif(r.location, '')),
        (8, 'notes', nullif(e.notes, ''), nullif(r.notes, ''))
) AS v (place, field, before, after)
WHERE v.before IS DISTINCT FROM v.after
ORDER BY r.row, v.place
