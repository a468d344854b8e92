"""Notifications: a domain event becomes mails and webhooks, one for each recipient and channel.

    listening    a write of an entity enqueues a fan-out for each of its events
    fan_out      finds who hears of it (`recipients`) and writes one delivery and one job for each
    deliver_*    renders with the organization's template, sends, settles (`deliver`)
    invite       the mail of an invitation, to somebody on no roster: no event and no delivery
    mail         what may become a mail; webhooks/ where one may go, its signature, its transport

Promises. For one event recipients × channels = sent + suppressed + dead, each with its reason. The
same id goes out on every attempt, and what was confirmed is never sent again. No webhook reaches an
address inside: the guard asks on every connect. An organization reads one text for every refusal.

Not here yet: the breaker and the disabling of an endpoint that fails for five days. Their place is
the destination of `deliver_webhook`'s job type, and `endpoints.disable`.
"""
