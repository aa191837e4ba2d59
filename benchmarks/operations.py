"""What a training step starts, counted on a CPU in seconds: operations by part and by kind, and what is read back.

    python benchmarks/operations.py                                # preset gpu64, two classes
    python benchmarks/operations.py --preset cpu --set train.precision=float32 --top 20

An operation that only looks at a tensor in another way starts nothing on a GPU and is not counted as a kernel. Batches
of any size and layers of any width start the same ones, so that narrow networks are counted. A CPU runs recurrent
layers step by step and convolutions of one voxel as products; a GPU has one operation for each, and another for its
gradient, and so they are counted as kernels. Before the updates one value is read back, the burn-in's length. The
second column is every operation of the CPU but for true views.
"""

import argparse
from collections import Counter
from typing import Any

import torch
from measuring import table
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from videogan.data.loader import ClipBatch
from videogan.presets import preset
from videogan.training.state import new_state
from videogan.training.step import advance

READ = "_local_scalar_dense"
VIEWS = {"detach", "alias", "lift_fresh", "empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}
"""Operations beside true views that start no kernel."""
MARKS = {"_unsafe_view", "unsafe_split", "_record_function_enter_new", "_record_function_exit"}
"""Nor do these, which were counted once."""
SETTINGS = ("train.device=cpu", "train.batch_size=2", "train.precision=bfloat16", "train.compile=never")


class Operations(TorchDispatchMode):
    """Counts operations by (part, kind), where ``part`` is whatever the caller says at the time."""

    def __init__(self) -> None:
        super().__init__()
        self.part = "before the updates"
        self.counts: Counter[tuple[str, str]] = Counter()
        self.kernels: Counter[tuple[str, str]] = Counter()
        self._layer = ""
        self._layers: dict[int, tuple[str, int]] = {}
        self._passed: set[tuple[str, int]] = set()

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
        """Count an operation and run it."""
        name = function.name().split("::")[1].split(".")[0]
        if not function.is_view and name not in VIEWS:
            self.counts[self.part, name] += 1
            node = torch._C._current_autograd_node()
            layer = None if node is None else self._layers.get(node._sequence_nr())
            if layer is not None and layer not in self._passed:
                self._passed.add(layer)
                self.kernels[self.part, f"{layer[0]}_backward"] += 1
            elif layer is None and not self._layer and name not in MARKS:
                self.kernels[self.part, name] += 1
        return function(*arguments, **(keywords or {}))

    def take_as_one(self, layer: nn.Module, kind: str) -> None:
        """Count all that a layer starts as one kernel, and all of its gradient."""
        begin = 0

        def before(*_: object) -> None:
            nonlocal begin
            begin, self._layer = _next_node(), kind
            self.kernels[self.part, kind] += 1

        def after(*_: object) -> None:
            self._layer = ""
            self._layers |= dict.fromkeys(range(begin, _next_node()), (kind, begin))

        layer.register_forward_pre_hook(before)
        layer.register_forward_hook(after)


def _next_node() -> int:
    """Return the number of the next node of autograd."""
    return int(torch._C._autograd._get_sequence_nr())


def count(name: str, settings: list[str], num_classes: int = 2) -> Operations:
    """Count the second step of a preset; in the first the optimizers make their state."""
    channels = [
        f"{group}.channels={[8] * len(values['channels'])}"
        for group, values in preset(name).model_dump().items()
        if isinstance(values, dict) and values.get("channels")
    ]
    config = preset(name, [*channels, *SETTINGS, *settings])
    state = new_state(config, num_classes, torch.device("cpu"))
    batch, size, frames = config.train.batch_size, config.data.size, config.data.num_frames
    labels = torch.arange(batch) % num_classes
    clips = ClipBatch(torch.randint(256, (batch, frames, size, size, 3), dtype=torch.uint8), labels)
    advance(state, clips)
    operations = Operations()
    for layer in (module for network in state.networks.named().values() for module in network.modules()):
        if isinstance(layer, nn.GRU):
            operations.take_as_one(layer, "recurrent layer")
        elif isinstance(layer, nn.Conv3d) and layer.kernel_size == (1, 1, 1):
            operations.take_as_one(layer, "convolution")
    parts = {
        state.optimizers.discriminators: "encoder",
        state.optimizers.encoder: "generator",
        state.optimizers.generator: "after the updates",
    }
    for optimizer, following in parts.items():
        optimizer.register_step_post_hook(lambda *_, part=following: setattr(operations, "part", part))
    assert state.update is not None
    begin = state.update

    def marked(x: Any, updates: Any) -> dict[str, torch.Tensor]:
        operations.part = "discriminators"
        return begin(x, updates)

    state.update = marked
    with operations:
        advance(state, clips)
    return operations


def main() -> None:
    """Print kernels and operations by part, and the most frequent kinds of kernels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="gpu64")
    parser.add_argument("--set", action="append", default=[], metavar="GROUP.KEY=VALUE")
    parser.add_argument("--top", type=int, default=12, help="kinds that are listed")
    arguments = parser.parse_args()
    operations = count(arguments.preset, arguments.set)
    by_part: list[Counter[str]] = [Counter(), Counter()]
    kinds: Counter[str] = Counter()
    for counts, sums in zip((operations.kernels, operations.counts), by_part, strict=True):
        for (part, _), number in counts.items():
            sums[part] += number
    for (_, kind), number in operations.kernels.items():
        kinds[kind] += number
    rows = [[part, *(str(sums[part]) for sums in by_part)] for part in by_part[1]]
    print(table(("part", "kernels", "operations"), rows))
    most = [[kind, str(number)] for kind, number in kinds.most_common(arguments.top)]
    print("\n" + table(("kind", "kernels"), most))
    total = f"{operations.kernels.total()} kernels, {operations.counts.total()} operations"
    print(f"\n{total}, {kinds[READ]} values read back")


if __name__ == "__main__":
    main()
