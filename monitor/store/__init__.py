"""The state: orders, events and deliveries, committed together. SQLite now; the interface admits PostgreSQL."""
