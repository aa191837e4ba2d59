"""Weights and latents from anywhere."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from fuzzing import EXAMPLES, changed_trees, damaged, try_all
from safetensors.torch import load_file, save
from tiny_generator import tiny_generator
from tiny_run import tiny_config

import videogan
from videogan.artifacts.latents_file import KEY, LatentsFile, load_latents, save_latents
from videogan.artifacts.tensor_file import read_metadata
from videogan.artifacts.weights import Card, load_weights, save_weights
from videogan.models.build import build_encoder
from videogan.models.latents import ClipLatents


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    config = tiny_config()
    save_weights(
        path, tiny_generator(2), build_encoder(config), Card(config, ("circle", "square"), Fraction(25), 7, 28)
    )
    return path


@pytest.mark.parametrize("share", EXAMPLES)
def test_descriptions_of_weights(share: float, weights: Path, tmp_path: Path) -> None:
    tensors, metadata = load_file(weights), read_metadata(weights)
    tree = {name: json.loads(text) if name in ("config", "class_names") else text for name, text in metadata.items()}
    path = tmp_path / "w.safetensors"

    def check(changed: object) -> None:
        if not isinstance(changed, dict):
            return
        texts = {str(name): value if isinstance(value, str) else json.dumps(value) for name, value in changed.items()}
        clean = {k.encode("utf-8", "replace").decode(): v.encode("utf-8", "replace").decode() for k, v in texts.items()}
        path.write_bytes(save(tensors, metadata=clean))
        load_weights(path)

    assert try_all(changed_trees(tree), check, 300 * share)


@pytest.mark.parametrize("share", EXAMPLES)
def test_headers_of_safetensors(share: float, weights: Path, tmp_path: Path) -> None:
    data = weights.read_bytes()
    length = 8 + int.from_bytes(data[:8], "little")
    path = tmp_path / "w.safetensors"

    def check(header: bytes) -> None:
        path.write_bytes(header + data[length:])
        videogan.inspect(path)
        load_weights(path)

    assert try_all(damaged(data[:length]), check, 300 * share)


@pytest.mark.parametrize("share", EXAMPLES)
def test_latents(share: float, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    latents = ClipLatents(torch.randn(1, 8), torch.randn(1, 3, 16), torch.randn(1, 4, 16), 11, 1)
    save_latents(path, LatentsFile(latents, "ab" * 32, "square", Fraction(25)))
    tensors = load_file(path)
    shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
    tree = {"about": json.loads(read_metadata(path)[KEY]), "shapes": shapes}

    def check(changed: object) -> None:
        changed = changed if isinstance(changed, dict) else {}
        given = changed.get("shapes") if isinstance(changed.get("shapes"), dict) else {}
        kept = {}
        for name, shape in given.items():
            sizes = [s for s in shape if type(s) is int and 0 <= s < 20] if isinstance(shape, list) else []
            kept[name.replace("\0", "x")] = torch.zeros(sizes) if sizes != shapes.get(name) else tensors[name]
        text = json.dumps(changed.get("about")).encode("utf-8", "replace").decode()
        path.write_bytes(save(kept, metadata={KEY: text}))
        load_latents(path, ("circle", "square"))
        videogan.inspect(path)

    assert try_all(changed_trees(tree), check, 700 * share)
