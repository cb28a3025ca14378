"""Every call in the package and the tools that makes values, or code, from a file.

A call that is not listed here fails the test: read through `mmtaskssl.weights` and
`mmtaskssl.utils.inputs`, or review it and list it with the reason.
"""

import ast
from collections import Counter
from pathlib import Path

import pytest

from mmtaskssl.utils.paths import resource_root

# Names whose call makes objects, runs code or decodes, whatever they are called on.
_ANYWHERE = {
    "fromfile",  # mmengine's Config, numpy
    "fromstring",
    "load_checkpoint",
    "_load_checkpoint",
    "load_state_dict_from_url",
    "load_url",
    "import_module",
    "import_modules_from_strings",
    "get_object_from_string",
    "find_class",
    "unsafe_load",
    "full_load",
    "load_module",
    "exec_module",
    "run_path",
    "run_module",
    "literal_eval",
    "loadmat",
    "imread",
    "imdecode",
    "imfrombytes",
    "read_pickle",
    "CheckpointLoader",
}
# Of a module: name of the module, and which of its functions.
_OF_MODULE = {
    "torch": {"load"},
    "serialization": {"load"},
    "jit": {"load"},
    "hub": {"load", "load_state_dict_from_url"},
    "np": {"load", "genfromtxt", "loadtxt"},
    "numpy": {"load", "genfromtxt", "loadtxt"},
    "pickle": {"load", "loads", "Unpickler"},
    "cPickle": {"load", "loads"},
    "dill": {"load", "loads"},
    "marshal": {"load", "loads"},
    "shelve": {"open"},
    "joblib": {"load"},
    "yaml": {"load", "load_all", "safe_load", "compose", "Loader", "SafeLoader"},
    "json": {"load", "loads"},
    "mmengine": {"load"},
    "Image": {"open"},
    "ElementTree": {"parse", "fromstring", "iterparse"},
    "ast": {"parse", "literal_eval"},
    "importlib": {"import_module", "reload"},
}
_BUILTIN = {"eval", "exec", "compile", "__import__"}

_HOSTS = "tools/benchmarks/harness/host_parity.py"

# File, call, how often; and why it is one of the doors or reads nothing of others.
REVIEWED = {
    # The doors.
    ("weights/reading.py", "serialization.load"): (2, "the one door to checkpoints"),
    ("weights/reading.py", "pickle.load"): (1, "where it is trusted"),
    ("weights/guard.py", "serialization.load"): (1, "weights_only=True, by request"),
    ("weights/guard.py", "torch.load"): (3, "put in the door's place, and back"),
    ("weights/guard.py", "CheckpointLoader"): (3, "the door in its place, and back"),
    ("weights/guard.py", "load_url"): (3, "names a failed download; loads by the door"),
    ("weights/plain_pickle.py", "pickle.Unpickler"): (1, "the base of the data reader"),
    ("weights/plain_pickle.py", "find_class"): (1, "a closed list of names"),
    ("utils/inputs.py", "json.loads"): (1, "the door to JSON"),
    ("utils/inputs.py", "yaml.SafeLoader"): (1, "the door to YAML"),
    ("utils/inputs.py", "np.load"): (1, "the door to arrays: allow_pickle=False"),
    ("utils/tars.py", "np.load"): (1, "indices that we wrote: allow_pickle=False"),
    ("selection/kept_hits.py", "np.load"): (1, "hits: allow_pickle=False, checked"),
    ("features/on_ray.py", "torch.load"): (1, "bytes that its own driver packed"),
    ("utils/remote/addresses.py", "json.loads"): (1, "a file of its own, mode 0600"),
    ("utils/table_rows.py", "fromfile"): (1, "integers that it wrote itself"),
    ("runs/holder.py", "json.loads"): (1, "a claim: five fields, each made plain"),
    ("features/bucket/claims.py", "json.loads"): (1, "a claim that it just wrote"),
    ("datasets/image_reader.py", "Image.open"): (4, "the door to images"),
    ("datasets/image_reader.py", "imdecode"): (1, "behind the limit of the door"),
    ("datasets/bit_depth.py", "imdecode"): (3, "behind the limit of the door"),
    ("datasets/host_images.py", "Image.open"): (1, "a header alone"),
    ("datasets/host_images.py", "imfrombytes"): (3, "puts the limit before the hosts'"),
    ("config/dumped_config.py", "ast.parse"): (1, "syntax, not run"),
    ("cli/cfg_options.py", "ast.literal_eval"): (1, "a user's own words; literals"),
    ("tools/benchmarks/fresh_targets.py", "Image.open"): (1, "labels, as indices"),
    ("tools/release/release_state.py", "yaml.safe_load"): (3, "files of the project"),
    ("compat/mmengine_log.py", "ast.parse"): (1, "three lines of its own"),
    ("config/custom_imports.py", "importlib.import_module"): (
        1,
        "what a config, which is a program, names",
    ),
    ("datasets/annotations/voc.py", "ElementTree.parse"): (1, "XML holds no code"),
    ("engine/runner.py", "load_checkpoint"): (3, "mmengine's, which reads by the door"),
    ("engine/runner.py", "CheckpointLoader"): (1, "within guarded(): by the door"),
    ("weights/pretrained.py", "load_checkpoint"): (1, "within guarded(): by the door"),
    ("weights/pretrained.py", "CheckpointLoader"): (1, "within guarded(): by the door"),
    ("customize/inspection/facts.py", "Image.open"): (1, "a header, of what was read"),
    ("customize/diagnosis/past_studies.py", "json.loads"): (
        1,
        "a table of the package",
    ),
    # Configs that it has written itself.
    ("customize/dense/trial.py", "fromfile"): (1, "a config it just wrote"),
    # The user's own configs, which are programs.
    ("config/load.py", "fromfile"): (1, "CONFIG of the command line"),
    ("config/variables.py", "fromfile"): (1, "CONFIG and its bases"),
    ("config/variables.py", "ast.parse"): (1, "syntax of CONFIG, not run"),
    ("datasets/transfer_sets.py", "fromfile"): (1, "--sets of the command line"),
    # Values that this process has just written or holds.
    ("customize/race/trainings.py", "fromfile"): (1, "a config in its own folder"),
    ("features/plan.py", "json.loads"): (1, "of its own json.dumps"),
    ("runs/result_file.py", "json.loads"): (1, "of its own json.dumps"),
    ("check_env/probes.py", "load_checkpoint"): (1, "just written, to try mmengine"),
    ("features/copies.py", "imdecode"): (1, "a JPEG that it has just encoded"),
    ("quickstart/builtin.py", "Image.open"): (1, "pictures inside scikit-image"),
    # Modules of names that are in the code.
    ("apis/__init__.py", "importlib.import_module"): (1, "a table in the file"),
    ("cli/main.py", "run_path"): (1, "a tool of this installation"),
    ("cli/main.py", "importlib.import_module"): (1, "a command by a table"),
    ("cli/trial.py", "importlib.import_module"): (1, "a command by a table"),
    ("cli/verbs.py", "importlib.import_module"): (2, "this package, by a table"),
    ("utils/apart.py", "importlib.import_module"): (1, "a function of the caller's"),
    ("compat/mmcv_hue.py", "ast.parse"): (1, "a line of its own"),
    ("compat/mmselfsup_swav.py", "ast.parse"): (1, "a line of its own"),
    ("compat/mmengine_names.py", "ast.parse"): (1, "a line of its own"),
    ("compat/stand_in.py", "exec_module"): (1, "fills an empty module"),
    ("check_env/__init__.py", "importlib.import_module"): (1, "a table in the file"),
    ("check_env/probes.py", "importlib.import_module"): (1, "a table in check_env"),
    ("compat/mmcv_ext.py", "importlib.import_module"): (1, "a module of mmcv"),
    ("compat/changed_source.py", "ast.parse"): (1, "installed modules"),
    ("compat/changed_source.py", "compile"): (1, "installed modules"),
    # Studies of what they wrote themselves.
    (_HOSTS, "importlib.import_module"): (2, "the hosts, by name"),
    ("tools/benchmarks/harness/command.py", "json.loads"): (1, "its own subprocess"),
    ("tools/benchmarks/harness/memory.py", "json.loads"): (1, "its own subprocess"),
    ("tools/benchmarks/harness/peers/turns.py", "json.loads"): (1, "its parent's"),
    ("tools/benchmarks/harness/peers/worker.py", "json.loads"): (1, "its subprocess'"),
    ("tools/benchmarks/kill_extract.py", "json.loads"): (2, "its own subprocess"),
    ("tools/benchmarks/speed_duplicates.py", "json.loads"): (1, "the tool just ran"),
    ("tools/benchmarks/plan_evidence.py", "json.loads"): (2, "its own subprocess"),
    ("tools/benchmarks/harness/parity.py", "torch.load"): (1, "weights_only=True"),
    ("tools/benchmarks/export_hosts.py", "torch.load"): (1, "weights_only=True"),
    ("tools/benchmarks/export_hosts.py", "fromfile"): (1, "a config it just wrote"),
    ("tools/benchmarks/memory_of_configs.py", "ast.parse"): (1, "syntax, not run"),
    ("tools/benchmarks/speed_approximate.py", "json.loads"): (1, "its own subprocess"),
    ("tools/benchmarks/speed_pipeline.py", "Image.open"): (1, "images it just wrote"),
}


def _calls(tree):
    """Yields the names of what is called, passed on or inherited."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            owner = getattr(owner, "id", None) or getattr(owner, "attr", None)
            if node.attr in _OF_MODULE.get(owner, ()):
                yield f"{owner}.{node.attr}"
            elif node.attr in _ANYWHERE:
                yield node.attr
        elif isinstance(node, ast.Name):
            if node.id in _BUILTIN | _ANYWHERE:
                yield node.id
        elif isinstance(node, ast.FunctionDef) and node.name in _ANYWHERE:
            yield node.name
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").split(".")[-1]
            for alias in node.names:
                if alias.name in _OF_MODULE.get(module, ()):
                    yield f"{module}.{alias.name}"
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            yield from [] if _is_false(node.value) else ["allow_pickle"]


def _is_false(node):
    return isinstance(node, ast.Constant) and node.value is False


def _found():
    package = Path(__file__).resolve().parents[2] / "mmtaskssl"
    tools = resource_root("tools")
    for root, prefix in ((package, ""), (tools, "tools/")):
        for path in sorted(root.rglob("*.py")):
            name = prefix + path.relative_to(root).as_posix()
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for call in _calls(tree):
                yield name, call


def test_every_call_that_deserialises_was_reviewed():
    found = Counter(_found())
    expected = {place: number for place, (number, _) in REVIEWED.items()}
    new = {p: n for p, n in found.items() if n > expected.get(p, 0)}
    assert not new, "read through mmtaskssl.weights or utils.inputs, or review and list"
    gone = {p: n for p, n in expected.items() if found[p] < n}
    assert not gone, "no longer there: take it off the list"


@pytest.mark.parametrize(
    "code",
    [
        "torch.load(path)",
        "from torch import load",
        "torch.serialization.load(f)",
        "pickle.loads(data)",
        "from pickle import Unpickler",
        "class U(pickle.Unpickler): pass",
        "np.load(path, allow_pickle=True)",
        "x = dict(allow_pickle=flag)",
        "yaml.load(text, Loader=yaml.Loader)",
        "Config.fromfile(path)",
        "joblib.load(path)",
        "CheckpointLoader.load_checkpoint(path)",
        "mmengine.load(path)",
        "eval(text)",
        "exec(text)",
        "importlib.import_module(name)",
        "runpy.run_path(path)",
        "read = json.load",
        "Image.open(path)",
    ],
)
def test_the_walk_sees(code):
    assert list(_calls(ast.parse(code)))
