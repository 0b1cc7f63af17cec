"""Delivery: the outbox loop and its verdicts."""
