"""Polling: strategies (how little to read) and the poller (claim → read → diff → route → commit)."""
