-- The roles of the control plane, and its database. Safe to run again.
--
--   psql "postgresql://SUPERUSER@HOST/postgres" -v ON_ERROR_STOP=1 -v database=control_plane -f deploy/roles.sql
--
-- then give `owner` and `app` passwords (`\password app`), or whatever pg_hba.conf asks for.
--
--   owner     migrates, and owns database and tables. Row-level security holds for it as well.
--   app       web, workers, scheduler, receivers. Owns nothing, sees one organization at a time.
--   operator  sees every organization; cannot log in, entered by SET LOCAL ROLE, audited.
--   engine    moves jobs along; cannot log in, has no right on domain tables.
--
-- None of them is superuser or BYPASSRLS. INHERIT FALSE matters: an inherited membership would
-- apply the policy `true` of operator to every query of app.

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['owner', 'app', 'operator', 'engine']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

ALTER ROLE owner LOGIN NOSUPERUSER NOBYPASSRLS CREATEDB NOCREATEROLE;
ALTER ROLE app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
ALTER ROLE operator NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
ALTER ROLE engine NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;

GRANT operator, engine TO app WITH INHERIT FALSE, SET TRUE;
GRANT operator, engine TO owner WITH INHERIT FALSE, SET TRUE;

SELECT format('CREATE DATABASE %I OWNER owner TEMPLATE template0 ENCODING ''UTF8'' LOCALE ''C'''
              ' LOCALE_PROVIDER builtin BUILTIN_LOCALE ''C.UTF-8''', :'database')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database')
\gexec

SELECT format('ALTER DATABASE %I OWNER TO owner', :'database')
\gexec
