"""Sources: one file for each system, requests to make and answers decoded; http.py alone talks to them."""
