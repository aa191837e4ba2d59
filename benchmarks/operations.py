"""What a training step starts, counted on a CPU in seconds: operations by part and by kind, and what is read back.

    python benchmarks/operations.py                                # preset gpu64, two classes
    python benchmarks/operations.py --preset cpu --set train.precision=float32 --top 20

An operation that only looks at a tensor in another way starts nothing on a GPU and is not counted. Batches of any size
and layers of any width start the same ones, so that narrow networks are counted. Before the updates a CPU runs the
burn-in's recurrent layer step by step, for which a GPU has one operation, and reads one value, the burn-in's length.
"""

import argparse
from collections import Counter
from typing import Any

import torch
from measuring import table
from torch.utils._python_dispatch import TorchDispatchMode

from videogan.data.loader import ClipBatch
from videogan.presets import preset
from videogan.training.state import new_state
from videogan.training.step import advance

READ = "_local_scalar_dense"
VIEWS = {"detach", "alias", "lift_fresh", "empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}
"""Operations beside true views that start no kernel."""
SETTINGS = ("train.device=cpu", "train.batch_size=2", "train.precision=bfloat16", "train.compile=never")


class Operations(TorchDispatchMode):
    """Counts operations by (part, kind), where ``part`` is whatever the caller says at the time."""

    def __init__(self) -> None:
        super().__init__()
        self.part = "before the updates"
        self.counts: Counter[tuple[str, str]] = Counter()

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
        """Count an operation and run it."""
        name = function.name().split("::")[1].split(".")[0]
        if not function.is_view and name not in VIEWS:
            self.counts[self.part, name] += 1
        return function(*arguments, **(keywords or {}))


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
    """Print operations by part, and the most frequent kinds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="gpu64")
    parser.add_argument("--set", action="append", default=[], metavar="GROUP.KEY=VALUE")
    parser.add_argument("--top", type=int, default=12, help="kinds that are listed")
    arguments = parser.parse_args()
    counts = count(arguments.preset, arguments.set).counts
    parts = list(dict.fromkeys(part for part, _ in counts))
    by_part = {part: sum(number for (own, _), number in counts.items() if own == part) for part in parts}
    print(table(("part", "operations"), [[part, str(number)] for part, number in by_part.items()]))
    kinds: Counter[str] = Counter()
    for (_, kind), number in counts.items():
        kinds[kind] += number
    print(
        "\n" + table(("kind", "operations"), [[kind, str(number)] for kind, number in kinds.most_common(arguments.top)])
    )
    print(f"\n{counts.total()} operations, {kinds[READ]} values read back")


if __name__ == "__main__":
    main()
