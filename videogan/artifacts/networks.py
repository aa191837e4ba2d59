"""Every network that a path holds, for training on: all of a checkpoint's, what there is of a weights file."""

from pathlib import Path
from typing import NamedTuple

from videogan.artifacts.checkpoint_files import STATE, WEIGHTS
from videogan.artifacts.checkpoints import load_state
from videogan.artifacts.runs import find_weights
from videogan.artifacts.weights import Card, NetworkTensors, networks_sha256, read_weights, split_networks
from videogan.errors import CheckpointError


class StoredNetworks(NamedTuple):
    """A model's card, the hash of the tensors that make its videos, and the tensors of its networks by name.

    Outside of a checkpoint, ``generator`` and ``ema_generator`` are the same.
    """

    card: Card
    sha256: str
    networks: NetworkTensors


def read_networks(where: Path) -> StoredNetworks:
    """Read a run, a checkpoint or a weights file; ``shipped`` is the model that comes with the package.

    Raises:
        MissingPathError: there is no such path.
        CheckpointError: it is damaged, or no model.
    """
    file = find_weights(where)
    card, tensors = read_weights(file)
    sha256 = networks_sha256({k: v for k, v in tensors.items() if k.startswith(("generator.", "encoder."))})
    networks = split_networks(tensors)
    if where.is_dir():
        return StoredNetworks(card, sha256, _of_checkpoint(file.parent))
    return StoredNetworks(card, sha256, {**networks, "ema_generator": networks["generator"]})


def read_discriminators(weights: Path) -> NetworkTensors:
    """Return the tensors of the discriminators that lie beside weights in a checkpoint, or in their file.

    Raises:
        CheckpointError: there are none.
    """
    checkpoint = weights.name == WEIGHTS and (weights.parent / STATE).is_file()
    networks = read_networks(weights.parent if checkpoint else weights).networks
    discriminators = {name: tensors for name, tensors in networks.items() if name.endswith("_discriminator")}
    if not discriminators:
        raise CheckpointError(f"{weights}: holds no discriminators; name the run that it came from by --run")
    return discriminators


def _of_checkpoint(checkpoint: Path) -> NetworkTensors:
    networks = load_state(checkpoint, "cpu").get("networks")
    if not isinstance(networks, dict) or not {"generator", "ema_generator", "encoder"} <= networks.keys():
        raise CheckpointError(f"{checkpoint}: its state of training is damaged (it holds no networks)")
    return networks
