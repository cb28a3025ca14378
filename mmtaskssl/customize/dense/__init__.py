"""Detectors and segmentors: short fine-tunings, and what each image says of them."""
