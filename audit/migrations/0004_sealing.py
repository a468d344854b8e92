"""What waits to be sealed, what is sealed, and the one door between them.

The application writes neither table. A trigger fills `audit_pending`, so no event is left out; a
function with the rights of the owner takes from there, and checks what it is given.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import audit.models
from tenancy.rls import ORGANIZATIONS, TenantTable

PENDING = f"""
CREATE TABLE audit_pending (
    organization_id bigint NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL,
    PRIMARY KEY (organization_id, position)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
ALTER TABLE audit_pending ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_pending FORCE ROW LEVEL SECURITY;
CREATE POLICY app ON audit_pending TO app USING (organization_id = {ORGANIZATIONS});
CREATE POLICY operator ON audit_pending TO operator USING (true);
CREATE POLICY engine ON audit_pending TO engine USING (true);
CREATE POLICY owner ON audit_pending TO owner USING (true);
REVOKE ALL ON audit_pending FROM app, operator, engine;
GRANT SELECT ON audit_pending TO app, operator, engine;
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_pending
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
ALTER TABLE audit_pending ENABLE ALWAYS TRIGGER audit_no_truncate;

-- pg_temp last: unnamed it comes first, and a temporary table would stand in for ours.
CREATE FUNCTION audit_queue() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO audit_pending (organization_id, event_id) SELECT organization_id, id FROM added;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION audit_queue() FROM PUBLIC;
CREATE TRIGGER audit_queue AFTER INSERT ON audit_auditevent
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION audit_queue();
ALTER TABLE audit_auditevent ENABLE ALWAYS TRIGGER audit_queue;
INSERT INTO audit_pending (organization_id, event_id)
    SELECT organization_id, id FROM audit_auditevent ORDER BY id;
"""

NOT_PENDING = """
DROP TRIGGER audit_queue ON audit_auditevent;
DROP FUNCTION audit_queue();
DROP TABLE audit_pending;
"""

SEAL = f"""
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit_auditbatch
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_auditbatch
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
ALTER TABLE audit_auditbatch ENABLE ALWAYS TRIGGER audit_no_change;
ALTER TABLE audit_auditbatch ENABLE ALWAYS TRIGGER audit_no_truncate;
REVOKE ALL ON audit_auditbatch FROM app, operator, engine;
GRANT SELECT ON audit_auditbatch TO app, operator;

-- The leaf of an event (RFC 6962) over the line that audit.sealing.line builds.
CREATE FUNCTION audit_leaf(
    seq bigint, id uuid, organization_id bigint, recorded_at timestamptz, event text, personal text
) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256('\\x00'::bytea || convert_to(
        '{{"event":' || event || ',"id":"' || id || '","organization_id":' || organization_id
        || ',"personal_sha256":'
        || coalesce('"' || encode(sha256(convert_to(personal, 'UTF8')), 'hex') || '"', 'null')
        || ',"recorded_at":"'
        || to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        || '","seq":' || seq || '}}', 'UTF8'))
$$;
REVOKE ALL ON FUNCTION audit_leaf(bigint, uuid, bigint, timestamptz, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_leaf(bigint, uuid, bigint, timestamptz, text, text) TO app;

-- Take these places of audit_pending as the next batch of an organization. Refuses a batch that is
-- not the next, places that are taken, hashes that are not those of the events, and a checkpoint
-- about something else. Whether tree and signature are right, the verifier asks: the key is not here.
CREATE FUNCTION audit_seal(
    of_organization bigint, of_first_seq bigint, of_positions bigint[], of_hashes bytea,
    of_peaks bytea, of_checkpoint text
) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    next_seq bigint;
    taken bigint;
    ids uuid[];
    leaves bytea;
    head text[] := string_to_array(of_checkpoint, E'\\n');
BEGIN
    IF (of_organization = {ORGANIZATIONS}) IS NOT TRUE THEN
        RAISE EXCEPTION 'audit_seal: organization % is not in scope', of_organization
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('audit_seal', of_organization));
    SELECT last_seq + 1 INTO next_seq FROM audit_auditbatch
        WHERE organization_id = of_organization ORDER BY first_seq DESC LIMIT 1;
    IF of_first_seq <> coalesce(next_seq, 1) THEN
        RAISE EXCEPTION 'audit_seal: the next seq of organization % is %, not %',
            of_organization, coalesce(next_seq, 1), of_first_seq
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    WITH gone AS (
        DELETE FROM audit_pending
        WHERE organization_id = of_organization AND position = ANY (of_positions)
        RETURNING position, event_id
    ), numbered AS (
        SELECT event_id, of_first_seq - 1 + row_number() OVER (ORDER BY position) AS seq FROM gone
    )
    SELECT count(*), array_agg(e.id ORDER BY n.seq), string_agg(
            audit_leaf(n.seq, e.id, e.organization_id, e.recorded_at, e.event, e.personal),
            ''::bytea ORDER BY n.seq)
        INTO taken, ids, leaves
        FROM numbered n JOIN audit_auditevent e
            ON e.organization_id = of_organization AND e.id = n.event_id;
    IF taken = 0 OR taken <> cardinality(of_positions) THEN
        RAISE EXCEPTION 'audit_seal: of % events of organization %, % wait',
            cardinality(of_positions), of_organization, taken
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF leaves <> of_hashes OR head[2] <> (of_first_seq - 1 + taken)::text
            OR head[1] NOT LIKE '%/' || of_organization THEN
        RAISE EXCEPTION 'audit_seal: hashes or checkpoint are not of these events'
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO audit_auditbatch (organization_id, first_seq, last_seq, event_ids, first_id, last_id,
        hashes, peaks, checkpoint)
    SELECT of_organization, of_first_seq, of_first_seq - 1 + taken, ids, sorted[1], sorted[taken],
        of_hashes, of_peaks, of_checkpoint
    FROM (SELECT array_agg(one ORDER BY one) AS sorted FROM unnest(ids) AS one) AS s;
END $$;
REVOKE ALL ON FUNCTION audit_seal(bigint, bigint, bigint[], bytea, bytea, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_seal(bigint, bigint, bigint[], bytea, bytea, text) TO app;
"""

NOT_SEALED = """
DROP FUNCTION audit_seal(bigint, bigint, bigint[], bytea, bytea, text);
DROP FUNCTION audit_leaf(bigint, uuid, bigint, timestamptz, text, text);
DROP TRIGGER audit_no_change ON audit_auditbatch;
DROP TRIGGER audit_no_truncate ON audit_auditbatch;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_one_index_less")]

    operations = [
        migrations.CreateModel(
            name="AuditBatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first_seq", models.BigIntegerField()),
                ("last_seq", models.BigIntegerField()),
                ("event_ids", audit.models.UuidArray()),
                ("first_id", models.UUIDField()),
                ("last_id", models.UUIDField()),
                ("hashes", models.BinaryField()),
                ("peaks", models.BinaryField()),
                ("checkpoint", models.TextField()),
                (
                    "sealed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "last_id"], name="auditbatch_of_event")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "first_seq"), name="auditbatch_first_seq"
                    )
                ],
            },
        ),
        TenantTable("auditbatch", append_only=True),
        migrations.RunSQL(PENDING, NOT_PENDING),
        migrations.RunSQL(SEAL, NOT_SEALED),
    ]
