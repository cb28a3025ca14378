"""Exported networks in ONNX; runs where onnx, onnxscript and onnxruntime are."""

import pytest
import torch

from mmtaskssl.models.elastic import calibrate

from ..test_models.test_backbones._nets import NETS, batches, randomize


@pytest.mark.parametrize("kind", ["dynamic-basic", "routed-compact", "mobilenet"])
def test_onnxruntime_gives_the_same(kind, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    net = randomize(NETS[kind]()).eval()
    subnet = net.space.sample(2)
    calibrate(net, subnet, batches())  # of any kind: features of ordinary size
    plain = net.extract(subnet)
    x = batches(1)[0]
    path = str(tmp_path / "net.onnx")
    torch.onnx.export(plain, (x,), path, dynamo=True, verbose=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    feeds = {session.get_inputs()[0].name: x.numpy()}
    with torch.no_grad():
        expected = net(x, subnet)
    for a, b in zip(expected, session.run(None, feeds), strict=True):
        difference = (a - torch.from_numpy(b)).abs().max()
        assert difference < 1e-4 * a.abs().max()
