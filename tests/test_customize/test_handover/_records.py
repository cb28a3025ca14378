"""Records as `customize` writes them."""

START = "timm:tf_efficientnet_lite0"
NAMES = {
    "start": f"{START} as it is",
    "continued": f"{START}, continued on 1,000 selected images",
    "continued-random": f"{START}, continued on 1,000 random images",
    "scratch": "ten layers from scratch on the selected images",
}


def arm(name, budget="30M-36M", macs=32_100_000, **changes):
    trained = name != "start"
    return {
        "name": name,
        "what": NAMES[name],
        "budget": budget,
        "start": START,
        "side": 64,
        "macs": macs,
        "params": 3_370_000,
        "control": name in ("start", "continued-random"),
        "primary": name == "start",
        "command": f"mmtaskssl pretrain arms/{name}.py" if trained else None,
        "seeds": [0, 1] if trained else [0],
        "rungs": [
            {
                "iters": iters,
                "inner": {
                    "knn": [51.0 + step, 52.0 + step, 53.0 + step],
                    "linear": [56.0 + 2 * step, 57.5 + 2 * step, 58.0 + 2 * step],
                },
                "kept": True,
            }
            for step, iters in enumerate((50, 100, 200) if trained else (0,))
        ],
        "test": {"knn": [60.1, 60.9], "linear": [63.0, 64.2]}
        if trained
        else {"knn": [52.5], "linear": [57.2]},
        "images_seen": 12_800 if trained else 0,
        "seconds": 261.0 if trained else 0.0,
        "checkpoint": None,
        **changes,
    }


def difference(control, mean, low, high, p=0.001, p_holm=None):
    return {
        **{"control": control, "mean": mean, "low": low, "high": high, "p": p},
        **{"images": 520, "seeds": 2, "p_holm": p_holm},
    }


def verdict(budget="30M-36M", **changes):
    return {
        "budget": budget,
        "metric": "linear top-1",
        "primary": "start",
        "candidate": "continued",
        "chosen": "continued",
        "recommended": "continued",
        "outcome": "better",
        "level": 0.95,
        "scope": "the method",
        "sentence": f"Use {NAMES['continued']}: better than {NAMES['start']} by +6.4 "
        "points of linear top-1 [95 % interval +3.1 to +9.7], of the method.",
        "differences": [
            difference("start", 6.4, 3.1, 9.7),
            difference("continued-random", 2.6, -0.4, 5.6, 0.09, 0.18),
        ],
        "names": NAMES,
        **changes,
    }


def record(**changes):
    return {
        "mmtaskssl": "0.1.0",
        "environment": {"python": "3.11.7", "torch": "2.14.1", "timm": "1.0.31"},
        "seed": 0,
        "command": "mmtaskssl customize --pool /my/pool --target /my/target",
        "inputs": {
            "pool": {"root": "/my/pool", "images": 6010},
            "target": {},
            "starts": [START],
        },
        "inspection": {
            "kind": "classification",
            "class_names": ["blue", "red"],
            "pool": 6010,
            "kept_out": 14,
            "findings": [
                {
                    "level": "warning",
                    "text": "14 images of the pool are copies of test",
                },
                {"level": "note", "text": "the target had no test part: 40 % are it"},
            ],
            "train": {"images": 780},
            "test": {"images": 520},
        },
        "diagnosis": {},
        "budgets": ["30M-36M"],
        "arms": [arm(name) for name in NAMES],
        "verdict": [verdict()],
        "compute": {
            "stages": [
                {"name": "inspect", "seconds": 4.2, "gmacs": 0},
                {"name": "diagnose", "seconds": 62.0, "gmacs": 900},
                {"name": "arms", "seconds": 1830.0, "gmacs": 51_000},
            ],
            "total_seconds": 1896.2,
            "total_gmacs": 51_900,
        },
        "backbones": [
            {
                **{"budget": "30M-36M", "folder": "backbone", "config": "config.py"},
                **{"macs": 32_100_000, "params": 3_370_000},
            }
        ],
        **changes,
    }
