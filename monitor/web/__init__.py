"""What the daemon shows over HTTP: the status page, the JSON API, health, metrics; and what it is hinted at there."""
