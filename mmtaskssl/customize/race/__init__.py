"""Arms beside each other, judged within the target's training images."""
