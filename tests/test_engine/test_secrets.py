"""What a training writes and says when its config holds passwords and signatures."""

import http.client
import sys
import urllib.error

import pytest
import torch
from mmengine.runner import checkpoint

from mmtaskssl.apis import controls, pretrain
from mmtaskssl.config.shown import ShownConfig
from mmtaskssl.engine.controls.arms import fingerprint
from mmtaskssl.utils.errors import UserError
from tests.test_engine._runs import debug_config, run

SECRETS = ("hunter2", "SIGNED", "WANDBKEY")
ADDRESS = "https://me:hunter2@host.invalid/start.pth?X-Amz-Signature=SIGNED"


def test_none_of_them_is_left_anywhere(tmp_path, monkeypatch, capfd):
    config = debug_config("simsiam", tmp_path)
    first = pretrain(config, iters=1, work_dir=tmp_path / "a")
    asked = []

    def fetch(url, **options):
        asked.append(url)
        print(f'Downloading: "{url}"')  # as torch does, of some versions on stderr
        print(f'Downloading: "{url}"', file=sys.stderr)
        return torch.load(first.checkpoint, weights_only=False)

    monkeypatch.setattr(checkpoint, "load_url", fetch)
    config.load_from = ADDRESS
    config.logged = {"api_key": "WANDBKEY"}
    config.log_level = "INFO"
    trained = pretrain(config, iters=1, work_dir=tmp_path / "b")
    trained.save(tmp_path / "c")
    assert asked == [ADDRESS]  # what opens it did what it is for
    said = capfd.readouterr()
    assert all("Downloading" in text for text in said)
    assert all("host.invalid/start.pth" in text for text in said)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    texts = [path.read_bytes() for path in files]
    assert sum(b"https://host.invalid/start.pth" in text for text in texts) >= 5
    for secret in SECRETS:
        assert secret not in said.out + said.err
        found = [f for f, t in zip(files, texts, strict=True) if secret.encode() in t]
        assert not found


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (urllib.error.HTTPError(ADDRESS, 403, "Forbidden", {}, None), r" \(Forbidden"),
        (http.client.InvalidURL("port: 'hunter2@host'"), ": it is no address that"),
    ],
)
def test_an_address_that_does_not_answer_is_one_sentence(
    tmp_path, monkeypatch, error, words
):
    def fetch(url, **options):
        raise error

    monkeypatch.setattr(checkpoint, "load_url", fetch)
    config = debug_config("simsiam", tmp_path)
    config.load_from = ADDRESS
    match = rf"^https://host.invalid/start.pth cannot be downloaded{words}"
    with pytest.raises(UserError, match=match):
        pretrain(config, iters=1, work_dir=tmp_path / "b")


def test_checkpoints_are_not_kept_at_an_address_with_a_password(tmp_path):
    config = debug_config("simsiam", tmp_path)
    config.default_hooks.checkpoint.out_dir = "s3://me:hunter2@bucket/runs"
    with pytest.raises(UserError, match=r"out_dir s3://bucket/runs\S* has a password"):
        run(config)


def test_a_config_signed_anew_is_the_same(tmp_path):
    cfg = debug_config("simsiam", tmp_path)
    texts, hashes = set(), set()
    for signed in ("A", "B"):
        cfg.load_from = f"https://host.invalid/x.pth?sig={signed}"
        found = controls(cfg, kinds=["untrained"], seeds=[0])
        hashes.add(fingerprint(found.run_arm))
        found.save(tmp_path / signed)
        texts.add((tmp_path / signed / "run.py").read_text())
    assert len(hashes) == len(texts) == 1
    shown = ShownConfig.of(cfg)
    assert shown.load_from == cfg.load_from  # it is used
    assert shown.to_dict()["load_from"] == "https://host.invalid/x.pth"
    cfg.load_from, cfg.size = None, (3, 4)
    assert ShownConfig.of(cfg).pretty_text == cfg.pretty_text
