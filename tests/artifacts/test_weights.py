"""Weights from anywhere: whole ones load, every other is refused in one line that names what is wrong."""

import json
import os
import random

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tiny_generator import tiny_generator
from tiny_run import tiny_config

from videogan.artifacts.tensor_file import HASH, tensors_sha256
from videogan.artifacts.weights import Card, Weights, load_weights, pack_weights, read_weights, save_weights
from videogan.config import Config
from videogan.errors import CheckpointError
from videogan.generation.sampling import stream
from videogan.models.build import build_encoder, build_generator


@pytest.fixture
def path(tmp_path):
    config = tiny_config()
    card = Card(config, ("circle", "square"), frame_rate=25, step=7, clips_seen=28)
    save_weights(tmp_path / "w.safetensors", tiny_generator(2), build_encoder(config), card)
    return tmp_path / "w.safetensors"


def content(path):
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118 (a handle)


def refusal(path):
    with pytest.raises(CheckpointError) as refused:
        load_weights(path)
    message = str(refused.value)
    assert path.name in message
    assert "\n" not in message
    assert len(message) < 1000
    return message


def test_a_flipped_bit_anywhere_is_found(path):
    whole = path.read_bytes()
    draw = random.Random(0)
    for _ in range(40):
        damaged = bytearray(whole)
        damaged[draw.randrange(len(whole) // 4, len(whole))] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        refusal(path)


def test_files_from_before_the_hash_load(path):
    tensors, metadata = content(path)
    assert metadata[HASH] == tensors_sha256(tensors)
    save_file(tensors, path, metadata={name: text for name, text in metadata.items() if name != HASH})
    loaded = load_weights(path).generator.state_dict()
    assert all(torch.equal(value, tensors[f"generator.{name}"]) for name, value in loaded.items())


def test_half_precision_is_shared_with_its_own_hash(path):
    weights = load_weights(path)
    path.write_bytes(pack_weights(Weights(weights.generator, weights.encoder, weights.card), half=True))
    loaded = load_weights(path).generator.state_dict()
    assert {value.dtype for value in loaded.values()} == {torch.float32}
    for name, value in weights.generator.state_dict().items():
        assert torch.equal(loaded[name], value.half().float() if value.ndim > 1 else value)


def first(tensors, ndim):
    return min(name for name, tensor in tensors.items() if tensor.ndim == ndim)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(path, value):
    tensors, metadata = content(path)
    name = first(tensors, 2)
    tensors[name].view(-1)[3] = value
    metadata[HASH] = tensors_sha256(tensors)
    save_file(tensors, path, metadata=metadata)
    message = refusal(path)
    assert name in message
    assert "not finite" in message


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tensors, name: {**tensors, name: tensors[name].int()}, "torch.int32, not torch.float32"),
        (lambda tensors, name: {**tensors, name: tensors[name].bfloat16()}, "torch.bfloat16, not"),
        (lambda tensors, name: {**tensors, name: tensors[name].half()}, "torch.float16, not torch.float32"),
        (lambda tensors, name: {**tensors, name: tensors[name][:-1].clone()}, "has the shape"),
        (lambda tensors, name: {own: value for own, value in tensors.items() if own != name}, "is missing"),
        (lambda tensors, name: {**tensors, f"{name}s": tensors[name].clone()}, "does not belong"),
    ],
)
def test_other_tensors_than_described_are_named(path, change, said, old):
    tensors, metadata = content(path)
    name = first(tensors, 1)
    changed = change(tensors, name)
    metadata = {**metadata, HASH: tensors_sha256(changed)}
    save_file(changed, path, metadata={k: v for k, v in metadata.items() if not (old and k == HASH)})
    message = refusal(path)
    assert said in message
    assert name in message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("channels", [10**9, 10**9, 10**9]),
        ("channels", [4000, 4000, 4000]),
        ("channels", [0, -1, 8]),
        ("hidden_dim", 10**9),
        ("content_dim", 10**30),
        ("noise_dim", 10**9),
    ],
)
def test_networks_of_any_described_size_are_refused_before_they_are_made(path, key, value, monkeypatch):
    tensors, metadata = content(path)
    config = json.loads(metadata["config"])
    config["generator"][key] = value
    save_file(tensors, path, metadata=metadata | {"config": json.dumps(config)})
    built = []
    monkeypatch.setattr(torch.Tensor, "normal_", lambda self, *_: built.append(self.is_meta) or self)
    refusal(path)
    assert all(built)


@pytest.mark.parametrize(
    "changes",
    [
        {"frame_rate": "1/0"},
        {"frame_rate": "1e9999999"},
        {"frame_rate": "1e3000000000"},
        {"frame_rate": "1/1" + 400 * "0"},
        {"frame_rate": "0"},
        {"frame_rate": "-25"},
        {"frame_rate": "1000000"},
        {"step": "-5"},
        {"step": "1" + 400 * "0"},
        {"step": "1" * 5000},
        {"clips_seen": "x"},
        {"class_names": "null"},
        {"class_names": "13"},
        {"class_names": "[1, 2]"},
        {"class_names": '{"a": 1}'},
        {"class_names": '"ab"'},
        {"class_names": '["a", "a"]'},
        {"class_names": '["a", ""]'},
        {"class_names": '["a", "\\ud800"]'},
        {"class_names": 100_000 * "["},
        {"config": 100_000 * "["},
        {"config": 50_000 * '{"a":' + "1" + 50_000 * "}"},
        {"config": "[]"},
        {"config": '{"version": 3}'},
        {"config": '{"data": {"size": ' + 5000 * "9" + "}}"},
        {"class_names": json.dumps(["x" * 5_000_000])},
    ],
)
def test_damaged_descriptions(path, changes):
    tensors, metadata = content(path)
    save_file(tensors, path, metadata=metadata | changes)
    assert "description is damaged" in refusal(path)


def test_a_setting_that_is_not_known_may_be_of_a_later_version(path):
    tensors, metadata = content(path)
    config = json.loads(metadata["config"])
    config["train"]["moonlight"] = 1
    save_file(tensors, path, metadata=metadata | {"config": json.dumps(config)})
    assert "of a later version of videogan (there is no setting 'train.moonlight'" in refusal(path)


@pytest.mark.parametrize("kind", ["pipe", "folder", "absent", "link to nothing"])
def test_what_is_no_file_is_refused_at_once(tmp_path, kind):
    path = tmp_path / "x.safetensors"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link to nothing":
        path.symlink_to("nowhere")
    refusal(path)


def test_reading_checks_what_loading_checks(path):
    card, tensors = read_weights(path)
    assert (card.step, card.class_names) == (7, ("circle", "square"))
    assert tensors.keys() == content(path)[0].keys()


def test_weights_of_version_1_make_the_frames_that_they_made(path):
    """A file as version 1 wrote it: without hash, without the settings that balance inputs, codes unscaled."""
    tree = tiny_config().model_dump(mode="json")
    for name in ("motion_inputs", "class_scale", "content_scale"):
        del tree["generator"][name]
    tree["version"] = 1
    generator = build_generator(Config.model_validate(tree), 2).eval().requires_grad_(False)
    assert (generator.class_scale, generator.content_scale) == (1, 1)
    assert isinstance(generator.motion, torch.nn.Identity)
    tensors = {f"generator.{name}": value.contiguous() for name, value in generator.state_dict().items()}
    encoder = build_encoder(Config.model_validate(tree))
    tensors |= {f"encoder.{name}": value.contiguous() for name, value in encoder.state_dict().items()}
    about = {"format": "1", "class_names": '["a", "b"]', "frame_rate": "25", "step": "3", "clips_seen": "12"}
    save_file(tensors, path, metadata=about | {"config": json.dumps(tree)})
    loaded = load_weights(path).generator
    expected, got = (next(stream(network, [5], torch.tensor([1]))) for network in (generator, loaded))
    assert torch.equal(expected, got)
