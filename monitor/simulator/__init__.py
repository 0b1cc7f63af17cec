"""The simulator: a simulated billing API with a life of its own, for the demo, the tests and a user's dry run."""
