"""stock+records: Dramatiq's Redis broker with django-dramatiq's AdminMiddleware, a row per message.

What people use today who want to see in Django's admin what became of their jobs. Set up as
django-dramatiq's README has it; CONN_MAX_AGE=0 is Django's default, the other is the tuned one.
"""
