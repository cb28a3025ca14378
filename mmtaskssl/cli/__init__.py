"""The command line: parsers, and one call each. Nothing here imports torch."""
