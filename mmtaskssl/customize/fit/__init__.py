"""Networks that a budget pays for."""
