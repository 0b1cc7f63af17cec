"""Alerting: which events go where, and in what words. Pure."""
