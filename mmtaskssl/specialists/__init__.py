"""Specialists: networks that branch off from one, each on clusters of a pool."""
