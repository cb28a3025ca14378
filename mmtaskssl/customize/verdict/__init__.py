"""Whether it helped, and how sure that is."""
