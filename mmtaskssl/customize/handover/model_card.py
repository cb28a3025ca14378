"""What a published backbone has to say of itself."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ...runs import OutputFile
from ...utils.atomic import write_text
from ...utils.errors import UserError
from ...utils.inputs import read_json
from ...utils.redaction import redacted
from ..customized import lengths_told
from ..inspection.inspected import DENSE
from ..verdict.difference import points
from .card_front import front_matter, licence_of, start_of, teacher_of
from .figures import arm_of, count, metric_of, over, tested, told_p, verdicts_of

CARD = "README.md"
_MARK = "<!-- model card of mmtaskssl -->"


def model_card(record: Mapping[str, Any], folder: str | os.PathLike) -> Path:
    """Writes README.md for publishing the backbones of a customization.

    In the form of model hubs: metadata first, then what it is, from which data and
    weights, how good with which interval, how to load it, and its limits. Licences that
    are not known are said not to be: who publishes must fill them in.

    Args:
        record: What `customize` writes to record.json.
        folder: Of the customization; the folders of its exports lie in it.

    Returns:
        The file.

    Raises:
        UserError: Something else stands there, or it cannot be written.
    """
    folder = Path(folder).expanduser()
    file = OutputFile(folder / CARD, "a model card of mmtaskssl", _objection)
    with file.written() as temporary:
        write_text(temporary, redacted(card(record, folder)))
    return folder / CARD


def card(record: Mapping[str, Any], folder: Path) -> str:
    """Returns the text of the card; see `model_card`."""
    backbones = list(record.get("backbones") or ())
    metas = [_meta(folder / str(one.get("folder"))) for one in backbones]
    names = [
        _name(meta) or str(one.get("folder"))
        for one, meta in zip(backbones, metas, strict=True)
    ]
    title = names[0] if len(names) == 1 else "Backbones"
    kind = str((record.get("inspection") or {}).get("kind") or "")
    start = start_of(record)
    head = yaml.safe_dump(front_matter(record, title, kind, start), sort_keys=False)
    parts = [
        f"---\n{head}---\n\n{_MARK}\n",
        f"# {title}, customised for {kind or 'a target'}\n",
        *(
            f"{verdict['sentence']} {verdict.get('choice') or ''}".rstrip() + "\n"
            for verdict in verdicts_of(record)
            if verdict.get("sentence")
        ),
        _what(backbones, metas),
        _made_from(record, metas, start),
        _figures(record),
        _loading(backbones, metas),
        _limits(record, metas, start),
    ]
    return "\n".join(part for part in parts if part)


def _objection(path: Path) -> str:
    try:
        ours = _MARK in path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        ours = False
    return "" if ours else "it holds something else"


def _meta(export: Path) -> Mapping[str, Any]:
    try:
        found = read_json(export / "meta.json")
    except (OSError, ValueError, UserError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _name(meta: Mapping[str, Any]) -> str:
    return str(meta.get("network") or meta.get("subnet") or "")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _what(backbones: list[Mapping[str, Any]], metas: list[Mapping[str, Any]]) -> str:
    if not backbones:
        return ""
    rows = []
    for one, meta in zip(backbones, metas, strict=True):
        network = (meta.get("plain_network") or {}).get("type", "")
        pixels = meta.get("preprocessing") or {}
        rows.append(
            [
                f"`{one.get('folder')}`",
                str(network).removeprefix("mmtaskssl."),
                str(one.get("budget") or "none"),
                f"{count(one.get('macs'))} at {meta.get('image_size', '?')} px",
                count(one.get("params")),
                f"{str(pixels.get('channel_order', 'rgb')).upper()} less "
                f"{pixels.get('mean')} by {pixels.get('std')}"
                if pixels
                else "see meta.json",
            ]
        )
    head = ["folder", "network", "budget", "MACs", "parameters", "pixels"]
    return "## What it is\n\n" + _table(head, rows)


def _made_from(
    record: Mapping[str, Any], metas: list[Mapping[str, Any]], start: str | None
) -> str:
    inputs = record.get("inputs") or {}
    lines = []
    for name, text in (
        ("pool", "Pool, without labels"),
        ("target", "Target, labelled"),
    ):
        found = inputs.get(name) or {}
        parts = {"": found} if "images" in found else found
        told = "; ".join(
            f"{f'{part}: ' if part else ''}{one['images']:,} images{_digest(one)}"
            for part, one in parts.items()
            if isinstance(one, Mapping) and one.get("images") is not None
        )
        if told:
            lines.append(
                f"- {text}: {told}. **Licence of the images: not known here, fill it "
                "in.**"
            )
    for role, weights in (("it began from", start), ("taught it", teacher_of(record))):
        if not weights:
            continue
        licence = licence_of(weights)
        stated = (
            f"timm states `{licence}` for its own weights of this name"
            if licence
            else "not known here, fill it in"
        )
        lines.append(f"- Weights that {role}: `{weights}`. **Licence: {stated}.**")
    labels = [str(meta["labels"]) for meta in metas if meta.get("labels")]
    for text in dict.fromkeys(labels):
        lines.append(f"- Labels that the weights know of: {text}.")
    if metas and not labels:
        lines.append("- Labels that the weights know of: it cannot be told.")
    return "## What it was made from\n\n" + "\n".join(lines) + "\n" if lines else ""


def _digest(one: Mapping[str, Any]) -> str:
    digest = one.get("images_sha256")
    return f" (SHA-256 over theirs in order `{str(digest)[:16]}`)" if digest else ""


def _figures(record: Mapping[str, Any]) -> str:
    parts = []
    for verdict in verdicts_of(record):
        names = verdict.get("names") or {}
        rows = [
            [
                f"minus {names.get(one['control'], one['control'])}",
                points(one["mean"]),
                f"{points(one['low'])} to {points(one['high'])}",
                told_p(one["p"] if one.get("p_holm") is None else one["p_holm"]),
                f"{one.get('images', 0):,}",
                str(one.get("seeds", 1)),
            ]
            for one in verdict.get("differences") or ()
        ]
        parts.append(_handed_over(record, verdict))
        if not rows:
            continue
        level = f"{100 * float(verdict.get('level') or 0.95):g} % interval"
        ours = verdict.get("candidate") or verdict.get("chosen")
        budget = f", budget {verdict['budget']}" if verdict.get("budget") else ""
        head = [f"{names.get(ours, ours)}{budget}", "points", level, "p", "images"]
        parts.append(_table([*head, "trainings"], rows))
    parts = [part for part in parts if part]
    if not parts:
        return ""
    metric = verdicts_of(record)[0].get("metric") or "linear"
    kind = (record.get("inspection") or {}).get("kind")
    how = "after short fine-tunings" if kind in DENSE else "on frozen features"
    return (
        f"## How good it is\n\n{metric} {how}, the target's test images, by which "
        "nothing was chosen. p of all but the first control is Holm's; intervals are "
        "not corrected.\n\n" + "\n".join(parts)
    )


def _handed_over(record: Mapping[str, Any], verdict: Mapping[str, Any]) -> str:
    """Says what the recommended weights reached, whoever was compared."""
    name = verdict.get("recommended")
    arm = arm_of(record, name, verdict.get("budget"))
    values = tested(arm, metric_of(arm))
    if not values:
        return ""
    what = (verdict.get("names") or {}).get(name, name)
    budget = f" for {verdict['budget']}" if verdict.get("budget") else ""
    several = (
        f" (the first of {len(values)} trainings; all: {over(values)})"
        if len(values) > 1
        else ""
    )
    return f"Handed over{budget}: {what}, **{values[0]:.1f} %**{several}.\n"


def _loading(backbones: list[Mapping[str, Any]], metas: list[Mapping[str, Any]]) -> str:
    if not backbones:
        return ""
    folder, meta = str(backbones[0].get("folder")), metas[0]
    config = backbones[0].get("config") or "config.py"
    lines = [
        "from mmtaskssl.apis import open_network",
        f'network = open_network("{folder}")  # .backbone, .preprocessing',
    ]
    network = meta.get("plain_network") or {}
    file = meta.get("weights", "weights.pth")
    if network.get("type") == "mmtaskssl.TimmBackbone" and file.endswith(".pth"):
        lines += [
            "",
            "# without mmtaskssl:",
            "import timm, torch",
            f'model = timm.create_model("{network["name"]}", num_classes=0)',
            f'model.load_state_dict(torch.load("{folder}/{file}", weights_only=True))',
        ]
    code = "\n".join(lines)
    return (
        f"## How to load it\n\n```python\n{code}\n```\n\n"
        f"`{folder}/config.py` has it as a backbone for mmdet, mmseg and mmcls "
        f"configs; `mmtaskssl pretrain {config} --work-dir WORK` trains the target "
        "with it, and `mmtaskssl pretrain YOUR_CONFIG --cfg-options "
        f"backbone={folder}` any other config.\n"
    )


def _limits(
    record: Mapping[str, Any], metas: list[Mapping[str, Any]], start: str | None
) -> str:
    lines = [f"- {told}" for told in lengths_told(record)]
    for verdict in verdicts_of(record):
        if verdict.get("scope") == "these weights":
            lines.append(
                "- One training was measured: the intervals are of these weights over "
                "images like the target's, not of the method."
            )
        if verdict.get("chosen") == verdict.get("primary"):
            lines.append(
                "- Within the training images nothing was better than the control that "
                "was named beforehand by more than a standard error."
            )
        elif verdict.get("outcome") not in ("better", "", None):
            lines.append(
                "- What was chosen within the training images was not significantly "
                "better than the control that was named beforehand."
            )
    if start or any("ImageNet" in str(meta.get("labels")) for meta in metas):
        lines.append(
            "- Public weights may have seen labels of classes, or images, that the "
            "target holds: a result with them says nothing about learning without."
        )
    sides = sorted({meta["image_size"] for meta in metas if meta.get("image_size")})
    told = " and ".join(f"{side}" for side in sides)
    if sides and (record.get("inspection") or {}).get("kind") in DENSE:
        lines.append(
            "- It was compared by short fine-tunings, one each, at the sizes of the "
            "config beside it: another fine-tuning of the same weights differs, too, "
            f"which the intervals do not hold. MACs are those of {told} px, and larger "
            "images cost more."
        )
    elif sides:
        lines.append(f"- It was measured at {told} px; other sides were not.")
    lines.append(
        "- It was chosen for one target: whatever bias its images have, the choice has."
    )
    return "## Limits\n\n" + "\n".join(dict.fromkeys(lines)) + "\n"
