"""Which images of a pool look like a target's (SEPT), and the way to take them out."""
