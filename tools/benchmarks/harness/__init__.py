"""What counts and times training steps, exports and searches, for scripts and tests."""
