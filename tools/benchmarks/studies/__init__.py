"""Time and memory of training steps, measured; and what the evidence is made of."""
