"""Selected images, taken out of their pool."""
