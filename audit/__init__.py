"""The append-only record of who changed what.

An event is written in the transaction of the change that it tells of: if one commits, so does the
other. PostgreSQL refuses the application's role to change or delete one, and a trigger refuses
everybody else. The text of an event is stored once, canonical (RFC 8785); the columns to filter by
are generated from it by the database, so they cannot say anything else.
"""
