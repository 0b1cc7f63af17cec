"""What people and machines ask of a state, and its shape as JSON: for the commands, the page and the API alike."""
