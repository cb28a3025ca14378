"""The controls that there are, in words."""

#: By name, what each is: what it shares with the run, and what not.
KINDS = {
    "untrained": "random weights, no step",
    "public-as-is": "the public weights, no step",
    "public-bn": "the public weights, no step, batch norms re-estimated on the pool",
    "random-weights": "the run's recipe and images, from random weights",
    "public": "the run's recipe and images, from the public weights",
    "random-images": "the run's recipe and start, as many images at random of the pool",
    "generic": "the run's recipe and start, all images of the pool",
    "continued-generic": "half of the iterations on the whole pool, and from there the "
    "other half on the run's images",
}
#: The run itself.
RUN = "run"
