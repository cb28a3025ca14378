"""Images of a pool that are copies of others of it."""
