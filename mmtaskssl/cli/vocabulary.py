"""What a flag means, wherever it is found: the table of ``docs/flags.md``.

python -m mmtaskssl.cli.vocabulary > docs/flags.md
"""

import argparse

from .verbs import VERBS, commands, parser_of

#: Flag: its one meaning. Every flag that two commands share is here.
MEANINGS = {
    "--all": "every sub-net of the space; of a large space, every calibrated one",
    "--all-subnets": "a row for every sub-net, as `--all`",
    "--amp": "mixed precision, in a format that the machine has",
    "--batch-size": "images that a network sees at once",
    "--budget": "what may be spent, with its unit: images (`5000`, `10%`; of `select` "
    "also `auto`), MACs (`3G-4G`), parameters (`5M-6M:params`), latency (`2ms-4ms`)",
    "--cache": "folder that keeps the features of `--target`",
    "--calibrate": "images for the batch-norm statistics of sub-nets that share norms",
    "--cfg-options": "`KEY=VALUE` pairs that override parts of a config",
    "--clusters": "a folder of clusters",
    "--decode": "`reduced`: JPEGs at the smallest scale that serves the network",
    "--device": "`auto` (a GPU if there is one), `cpu`, `cuda`, `cuda:1`",
    "--dry-run": "say what it would take, and stop before it",
    "--edited-selection": "take a selection as it is now, though it was changed after "
    "`select` wrote it",
    "--image-size": "side of the square that a network sees, pixels",
    "--images": "images without labels: folder, list, tars, Parquet, LMDB, Lance, "
    "address",
    "--iters": "steps of a training",
    "--json": "also write the result to this file",
    "--labels": "where labels are: `folder` (the first folder of an image), or a table",
    "--launcher": "how several processes were started",
    "--max-pixels": "read images of up to so many pixels",
    "--model": "`torchvision:NAME` or `timm:NAME`, in place of CONFIG and CKPT",
    "--network": "what makes features of images: CONFIG CKPT, EXPORT_DIR, or "
    "torchvision:NAME FILE",
    "--no-images": "show no image in a page, and no name beneath one",
    "--no-report": "write no page",
    "--num-images": "how many images are drawn",
    "--on-tie": "who wins where a lead may be chance",
    "--out": "where results are written",
    "--overwrite": "replace earlier results of the same kind; nothing else ever is",
    "--pool": "the images to choose from, or their features: a store",
    "--pool-root": "folder where the pool's images lie now",
    "--probe": "what scores features",
    "--root": "folder that listed paths are relative to",
    "--scale": "multiplies the length of every training",
    "--seed": "of everything that is drawn",
    "--seeds": "how many draws, or trainings, are averaged",
    "--shape": "side of the image that costs are counted for, or height and width",
    "--shots": "training images a class, drawn",
    "--source": "the trained encoder (`online`) or its moving average (`ema`)",
    "--subnet": "names of sub-nets, or anchors such as MAX",
    "--target": "what to pre-train for: a labelled folder, or its features",
    "--teacher": "a network, or a feature store, to learn from or to be compared with",
    "--temperature": "of the votes of nearest neighbours",
    "--test": "test images, or a store of their features",
    "--test-labels": "labels of the test images: .csv or .jsonl",
    "--top": "how many of the best are shown, or go on",
    "--train": "a store of training images",
    "--train-labels": "labels of the training images: .csv or .jsonl",
    "--trust-checkpoint": "load a checkpoint that needs code in it to run",
    "--void": "of masks, the index of pixels that are of no class",
    "--weight-decays": "grid that logistic regression chooses from",
    "--weights": "the weights to take: a file, or a name of them",
    "--work-dir": "folder of a training's logs and checkpoints",
    "--workers": "processes that read images",
}


def flags_of(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """Returns the long flags of a parser, ``--help`` apart."""
    return {
        flag: action
        for flag, action in parser._option_string_actions.items()
        if flag.startswith("--")
        and flag != "--help"
        and action.help is not argparse.SUPPRESS
    }


def shared_flags() -> dict[str, list[str]]:
    """Returns each flag that several commands have, and these commands."""
    names = commands()
    aliases = {name for verb, name in names.items() if verb in VERBS and verb != name}
    found: dict[str, list[str]] = {}
    for command in names:
        if command not in aliases:  # a verb stands for its tool
            for flag in flags_of(parser_of(command)):
                found.setdefault(flag, []).append(command)
    return {flag: who for flag, who in sorted(found.items()) if len(who) > 1}


def page() -> str:
    """Returns the page of the flags, in Markdown."""
    lines = [
        "# Flags",
        "",
        "A flag means the same wherever it is found.",
        "",
        "| flag | meaning | commands |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| `{flag}` | {MEANINGS[flag]} | {', '.join(who)} |"
        for flag, who in shared_flags().items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
