"""Models of the hosts, fitted to an export."""
