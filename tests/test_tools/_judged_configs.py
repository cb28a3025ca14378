"""Cases of ``_judged.py``: configs of other people, and trainings that go on."""

import functools
import shutil
import subprocess
from pathlib import Path

from ._hostile import quiet
from ._hostile_cases import make_target
from ._judged import Case, verb

_SIMSIAM = Path(
    "configs/selfsup/simsiam/simsiam_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
)
_HOST = """
_base_ = [{!r}]
model = dict(
    _delete_=True,
    type="mmselfsup.SimSiam",
    data_preprocessor=dict(
        type="mmselfsup.SelfSupDataPreprocessor", mean=[1.0] * 3, std=[2.0] * 3),
    backbone=dict(type="mmselfsup.ResNet", depth=18, stem_channels=8, base_channels=8),
    neck=dict(
        type="mmselfsup.NonLinearNeck", in_channels=64, hid_channels=8,
        out_channels=8, num_layers=2, with_avg_pool=True),
    head=dict(
        type="mmselfsup.LatentPredictHead",
        loss=dict(type="mmselfsup.CosineSimilarityLoss"),
        predictor=dict(
            type="mmselfsup.NonLinearNeck", in_channels=8, hid_channels=4,
            out_channels=8, with_avg_pool=False)))
"""


def _trained(folder, *options, config=_SIMSIAM, flags=(), name="run"):
    given = [f"experiment_name={folder.name}-{name}", "log_level=WARNING"]
    argv = [config, "--work-dir", folder / "run", *flags, "--cfg-options", *given]
    return verb("train", *argv, *options)


def _resumed(options, folder):
    _trained(folder, "max_iters=1", name="first")()
    # A log is called by its second, which both trainings may begin in.
    for log in (folder / "run").glob("20*_*"):
        log.rename(log.with_name("20200101_000000"))
    return _trained(folder, "max_iters=2", *options, flags=["--resume"])


def _host_with_target(folder):
    config = folder / "host.py"
    config.write_text(_HOST.format(str(_SIMSIAM.resolve())))
    target = make_target(folder)
    return _trained(folder, f"target={target}", "max_iters=1", config=config)


_CONFIGS = {
    "custom_imports beside the config": ("mine", True, ""),
    "custom_imports of nothing": ("nothing_of_mine", False, "nothing_of_mine, which"),
    "custom_imports of a path": ("./mine.py", False, "'./mine.py', which is no module"),
}


def _importing(module, folder):
    place = folder / "configs"
    place.mkdir()
    (place / f"mine_{folder.name.replace('-', '_')}.py").write_text("value = 1\n")
    if module == "mine":
        module = f"mine_{folder.name.replace('-', '_')}"
    config = place / "config.py"
    config.write_text(f"custom_imports = dict(imports=[{module!r}])\nx = 1\n")
    return verb("misc/print_config", config)


_TEXTS = {
    "a syntax error": ("model = dict(\n", "config.py cannot be read"),
    "no model": ("x = 1\n", "the config has no model"),
    "a missing base": ("_base_ = ['nothing.py']\n", "nothing.py"),
    "an error of its own": ("x = 1 / 0\n", "config.py cannot be read"),
    "no text": ("\0\0", "config.py cannot be read"),
    "empty": ("", "the config has no model"),
}


def _text(text, folder):
    config = folder / "config.py"
    config.write_text(text)
    return verb("train", config, "--work-dir", folder / "run")


def _made(folder):
    """`make quickstart` with names that a shell would take apart."""
    shutil.copy("Makefile", folder)
    (folder / "pyproject.toml").write_text("[project.scripts]\n")
    (folder / ".ci").mkdir()
    (folder / ".ci" / "constraints.txt").write_text("")
    teller = folder / "teller"
    teller.write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
    teller.chmod(0o755)
    argv = ["make", "-s", "quickstart", "-o", "env", f"PY={teller}"]
    argv += ["""IMAGES=my pool's "best" *""", "WORK=out  put", "TARGET=a;b"]

    def call():
        ran = subprocess.run(argv, cwd=folder, capture_output=True, text=True)
        print(ran.stdout)
        return ran.stdout

    return call


_ARGUMENTS = '<--out><out  put><--images><my pool\'s "best" *><--target><a;b>'


def config_cases():
    """Yields the cases."""
    kind = "configs"
    for name, (module, good, words) in _CONFIGS.items():
        yield Case(kind, name, functools.partial(_importing, module), words, good)
    for name, (text, words) in _TEXTS.items():
        yield Case(kind, name, functools.partial(_text, text), words)
    for name, option, words in (
        ("an unknown part", "model.type=MoCo3", "'MoCo3', which is not registered"),
        ("an unknown argument", "model.queue_lne=3", "the argument 'queue_lne'"),
        ("an unknown key", "max_iter=3", "did you mean 'max_iters'"),
        ("an unknown optimizer", "optim_wrapper.optimizer.type=SDG", "optimizer 'SDG'"),
        ("a place that is none", "param_scheduler.7.type=X", "options do not fit"),
        ("no type", "default_hooks.x.interval=3", 'no "type"'),
        ("images of generated ones", "images=/x", "trains on SyntheticImages"),
    ):

        def make(folder, option=option):
            return verb(
                *("train", _SIMSIAM, "--work-dir", folder / "run", "--cfg-options"),
                *(*quiet(folder), option),
            )

        yield Case(kind, name, make, words)
    words = "SelfSupDataPreprocessor of mmselfsup, which does not take the batches"
    yield Case(
        kind,
        "a host's algorithm and target",
        _host_with_target,
        words,
        heavy=True,
    )
    kind = "a training that goes on with another config"
    for name, options, words, good in (
        (
            "another width",
            ["model.backbone.base_channels=16"],
            "is of another architecture|has no weight|cannot be",
            False,
        ),
        ("another batch", ["batch_size=8"], "--resume-rescale", False),
        (
            "another rate",
            ["optim_wrapper.optimizer.lr=0.5"],
            "was trained with other settings than it goes on with: .*lr",
            True,
        ),
    ):
        make = functools.partial(_resumed, options)
        own = "run/" if good else ""  # where the training goes on
        yield Case(kind, name, make, words, good, heavy=True, changes=own)
    words = ".*".join(("<tools/quickstart.py>", "<--out>"))
    yield Case(
        *("names with blanks and quotes", "make quickstart", _made, words, True),
        lambda folder, said: said == f"<tools/quickstart.py>{_ARGUMENTS}",
    )
