"""Balanced hierarchical clusters of a pool, and the path that each one trains (SDR)."""
