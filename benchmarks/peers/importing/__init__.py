"""django-import-export, in bulk mode with validation, into a table as wide as ours."""
