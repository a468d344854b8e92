"""Django's PostgreSQL backend, with the scope of `tenancy.scope` in every transaction."""
