"""What mim and mmengine look configs up by covers every folder of configs."""

import pytest
import yaml

# Parts of configs, and search spaces: no models.
_UNLISTED = ("_base_", "subnets")


@pytest.fixture(scope="module")
def listed(repo_root):
    index = yaml.safe_load((repo_root / "model-index.yml").read_text())
    models = []
    for name in index["Import"]:
        content = yaml.safe_load((repo_root / name).read_text())
        collections = {collection["Name"] for collection in content["Collections"]}
        assert {model["In Collection"] for model in content["Models"]} == collections
        models += content["Models"]
    return models


def test_every_listed_config_exists(repo_root, listed):
    for model in listed:
        assert (repo_root / model["Config"]).is_file()
        assert model["Config"].endswith(f"/{model['Name']}.py")


def test_names_are_unique(listed):
    names = [model["Name"] for model in listed]
    assert len(set(names)) == len(names)


def test_every_folder_is_listed(repo_root, listed):
    root = repo_root / "configs"
    expected = {
        path.parent
        for path in root.rglob("*.py")
        if not set(_UNLISTED) & set(path.relative_to(root).parts)
        and "debug" not in path.stem
    }
    assert {(repo_root / model["Config"]).parent for model in listed} == expected
