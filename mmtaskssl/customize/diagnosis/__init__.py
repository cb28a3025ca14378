"""Whether a pool is of use for a target, from which start, and how many images."""
