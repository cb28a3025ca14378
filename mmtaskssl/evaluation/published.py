"""The protocols of published tables of frozen features: which is which, what runs it.

"Paper" is what the publication states, "ours" what it leaves open or what differs here:
numbers of one protocol are not those of another.
"""

import textwrap
from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """One protocol.

    Attributes:
        name: Of ``--protocol``.
        table: What is reported by it.
        source: Where it is described; "" for our own.
        paper: What the publication states.
        ours: What is our choice.
        run: What runs it here.
    """

    name: str
    table: str
    source: str
    paper: str
    ours: str
    run: str

    def describe(self) -> str:
        """Returns lines for a reader."""
        parts = [f"{self.name}: {self.table}"]
        for title, text in (
            ("source", self.source),
            ("paper", self.paper),
            ("ours", self.ours),
            ("run", self.run),
        ):
            if text:
                parts.append(
                    textwrap.fill(
                        f"{title}: {text}",
                        88,
                        initial_indent="  ",
                        subsequent_indent="    ",
                        break_long_words=False,
                        break_on_hyphens=False,
                    )
                )
        return "\n".join(parts)


_CONFIGS = "mmtaskssl train configs/transfer/classification/"
_PROTOCOLS = (
    Published(
        "cross-validated",
        "linear accuracy on any labelled folder; comparable among our own tables only",
        "",
        "",
        "logistic regression by L-BFGS on standardised, L2-normalised features of "
        "plain images; weight decay of 1e-7 to 100 by fivefold cross-validation on the "
        "training images",
        "mmtaskssl eval_linear",
    ),
    Published(
        "moco-linear",
        "ImageNet top-1 of MoCo v1 and v2, and of those who follow them (DATA)",
        "He et al., CVPR 2020 (arXiv 1911.05722), section 4.1",
        "a linear layer on pooled frozen features, SGD with momentum 0.9, batch 256, "
        "learning rate 30, no weight decay, 100 epochs, a tenth of the rate after 60 "
        "and 80; random crops of 224 and flips, centre crop for testing",
        "",
        f"{_CONFIGS}linear-probe_resnet50_8xb32-steplr-100e_in1k.py",
    ),
    Published(
        "byol-linear",
        "ImageNet top-1 of BYOL, and of those who follow it (DSPNet)",
        "Grill et al., NeurIPS 2020 (arXiv 2006.07733), appendix C.1",
        "a linear layer on pooled frozen features, SGD with Nesterov momentum 0.9, "
        "batch 1,024, 80 epochs, no weight decay or other regularisation; the best of "
        "the learning rates 0.4, 0.3, 0.2, 0.1, 0.05 on 10,009 images held out of the "
        "training images; random crops of 224 and flips, centre crop for testing",
        "cosine decay, the rate counted for a batch of 256, 0.2 unless given: repeat "
        "the run for each rate on held-out training images, and report the test of the "
        "best",
        f"{_CONFIGS}linear-probe-byol_resnet50_8xb128-coslr-80e_in1k.py",
    ),
    Published(
        "transfer-linear",
        "the eleven or twelve small sets of SimCLR, BYOL and SDR",
        "Kornblith et al., CVPR 2019 (arXiv 1805.08974), appendix; BYOL, appendix C",
        "logistic regression by L-BFGS on frozen features of resized centre crops; 45 "
        "weight decays from 1e-6 to 1e5, evenly on a logarithmic scale, chosen on the "
        "validation images; fitted again on training and validation images",
        "features are L2-normalised and standardised, so that the same 45 values are "
        "other strengths than the papers'; at equal validation scores the lower "
        "cross-entropy decides",
        "mmtaskssl eval_transfer --probe linear",
    ),
    Published(
        "voc07-svm",
        "VOC2007 classification, mAP",
        "Goyal et al., ICCV 2019 (arXiv 1905.01235), appendix",
        "a linear SVM a class on L2-normalised features, squared hinge, positives "
        "weighted twice, the cost of the best average precision in threefold "
        "cross-validation among powers of 2 from -19 to -4 and of 10 from -7 to 2; "
        "trained on trainval, measured on test",
        "at most 2,000 iterations",
        "mmtaskssl eval_transfer --sets voc2007 --probe svm",
    ),
    Published(
        "few-shot-svm",
        "low-shot classification: mean and spread over draws of k images a class",
        "Goyal et al., ICCV 2019 (arXiv 1905.01235), section on low-shot learning",
        "the SVMs of voc07-svm on k images a class, k = 1, 2, 4 ... 96; mean and "
        "spread over five independent draws",
        "sets with one label an image, each class against all others, reported by "
        "top-1 and mean per class; below two images a class the cost is 1",
        "mmtaskssl eval_linear --protocol few-shot-svm --shots K --seeds 5",
    ),
)

#: By name.
PUBLISHED = {protocol.name: protocol for protocol in _PROTOCOLS}
