#!/bin/sh
# Runs once, when the container of PostgreSQL makes its data: roles, database, passwords.
set -eu
psql --set ON_ERROR_STOP=1 --set database=control_plane --file /roles.sql postgres
psql --set ON_ERROR_STOP=1 --set owner="$OWNER_PASSWORD" --set app="$APP_PASSWORD" postgres <<'SQL'
ALTER ROLE owner PASSWORD :'owner';
ALTER ROLE app PASSWORD :'app';
SQL
