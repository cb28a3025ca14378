"""Sub-nets as plain networks for other frameworks, and their statistics."""
