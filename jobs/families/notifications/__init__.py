"""Notifications: a domain event becomes mails and webhooks, one for each recipient and channel."""
