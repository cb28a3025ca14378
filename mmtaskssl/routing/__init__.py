"""Which path of a routed network suits a task (SDR)."""
