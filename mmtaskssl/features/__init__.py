"""Features of images: extracted, kept in stores, imported, and looked at."""
