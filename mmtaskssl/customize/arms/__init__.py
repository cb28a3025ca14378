"""What may be done with a pool and a start: an arm each, and what controls them."""
