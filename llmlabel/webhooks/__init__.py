"""Webhooks: what happens is told to endpoints, signed, at least once."""
