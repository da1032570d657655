"""Words that a team watches for in what is heard."""
