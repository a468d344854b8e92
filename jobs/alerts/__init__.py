"""Alerts: what an operator is told of before customers call.

    minutes      counts of each minute, by organization and queue group: what waited, how it ended
    conditions   what is wrong in the picture of a minute; pure
    states       how long it must be wrong until an alert opens, and right until it closes; pure
    evaluate     the scheduler's tick: count a minute, judge it, open and close alerts
    telling      mail and webhook to operators, again until they arrive
    words        an alert in a sentence, and where to look

PostgreSQL has the counts and the alerts; nothing is kept in a process. A minute is counted and
judged in one transaction under one lock, so of two schedulers one does it. What the scheduler
cannot know, that it is dead itself, is for Prometheus: the same conditions stand in
deploy/prometheus/jobs.rules.yml, and both are tested on the same curves.
"""
