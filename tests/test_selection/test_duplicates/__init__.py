"""Tests of copies within a pool."""
