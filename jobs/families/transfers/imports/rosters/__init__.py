"""Imports of rosters: who belongs to an organization, by a file.

    people      the file, read whole: whom it wants how, and what is wrong with it by itself
    judged      that beside who is there: what would change, what speaks against it
    validate    the dry run; commit: the same again under the lock, and then done; undo: back
    approval    what nobody can confirm

The rules are those of `tenancy.roster`. A roster is one transaction, and has one chunk. What is
about the file as a whole, or about somebody whom it leaves out, stands among its issues at row 0.
"""
