"""Names that the command line lists; imports nothing."""

#: Of a file of weights: torch's, read with ``weights_only=True``, or safetensors'.
FORMATS = ("pth", "safetensors")
