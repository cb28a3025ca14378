"""The public weights of the quickstart."""

from mmtaskssl.customize.starts import Start
from mmtaskssl.quickstart import public_start


def test_the_installed_weights_open():
    start = Start.parse(public_start())
    assert start.public.startswith("ImageNet-1k")
    network = start.open()
    assert network.cost(shape=32).macs == 7834848
