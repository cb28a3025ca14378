"""Steps of other packages beside ours, each in an environment of its own."""
