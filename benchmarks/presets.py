"""One table of the presets: how large they are, what a step and a frame cost, and what a GPU's rate makes of that.

    python benchmarks/presets.py
    python benchmarks/presets.py --presets gpu64,gpu64-large --rate 713 --share 0.35

Operations are counted on tensors without values, so that the largest preset takes seconds and no memory. A product and
a sum are two. The last columns divide by a share of the card's rate: updates/s that arithmetic alone would allow.
"""

import argparse
from collections.abc import Callable

import torch
from measuring import table
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily
from torch.utils.flop_counter import FlopCounterMode

from videogan.models.build import build_discriminators, build_encoder, build_generator
from videogan.models.discriminator import DiscriminatorInput
from videogan.models.encoder import Codes
from videogan.presets import PRESETS, preset

NUM_CLASSES = 4
CLIPS = 2
"""Counted together: one alone may take a way of its own through oneDNN."""
COLUMNS = (
    "preset",
    "size",
    "batch",
    "generator, M",
    "discriminators, M",
    "encoder, M",
    "GFLOP a clip and step",
    "GFLOP a frame sampled",
    "ms a step",
    "updates/s",
)


def row(name: str, rate: float, share: float) -> list[str]:
    """Return one row, counted on tensors without values; ``rate`` in TFLOP/s, of which ``share`` is reached."""
    config = preset(name)
    size, frames, batch = config.data.size, config.data.num_frames, config.train.batch_size
    with unset_fake_temporarily():
        generator, encoder = build_generator(config, NUM_CLASSES), build_encoder(config)
        discriminators = build_discriminators(config, NUM_CLASSES)
    clips = torch.empty(CLIPS, frames, 3, size, size)
    labels = torch.zeros(CLIPS, dtype=torch.long)
    steps = frames // 4 + generator.context_steps

    def decode(count: int) -> None:
        content = torch.empty(CLIPS, generator.content_dim)
        condition = generator.condition(content, labels)[:, None].expand(-1, count, -1)
        generator.decode(torch.empty(CLIPS, count, generator.motion_dim), condition)

    codes = Codes(*encoder(clips))
    x = DiscriminatorInput(clips, labels, torch.zeros(CLIPS, frames, dtype=torch.long), codes)
    decoded = flop(lambda: decode(steps))
    judged = flop(lambda: [network(x) for network in discriminators.values()])
    encoded = flop(lambda: encoder(clips))
    # Backward is twice forward; towards the clips only, through frozen weights, once.
    penalised = getattr(config.penalty, "share", 0.0)
    discriminator_update = 3 * judged * (2 + 2 * penalised)
    part = config.encoder.share
    encoder_update = part * (2 * 3 * encoded + 3 * decoded + 3 * judged)
    step = 3 * decoded + discriminator_update + 2 * judged + encoder_update
    # A stream keeps its state: a latent step more costs what one more step of history does.
    frame = (flop(lambda: decode(steps + 8)) - decoded) / (8 * 4)
    seconds = step * batch / (rate * 1e12 * share)
    networks = ([generator], discriminators.values(), [encoder])
    millions = [sum(p.numel() for one in network for p in one.parameters()) / 1e6 for network in networks]
    return [
        name,
        str(size),
        str(batch),
        *(f"{number:.1f}" for number in millions),
        f"{step / 1e9:.1f}",
        f"{frame / 1e9:.2f}",
        f"{seconds * 1000:.1f}",
        f"{1 / seconds:.0f}" if seconds < 0.1 else f"{1 / seconds:.1f}",
    ]


def flop(work: Callable[[], object]) -> float:
    """Count, for one clip, the floating point operations of a function's matrix products and convolutions."""
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        work()
    return counter.get_total_flops() / CLIPS


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", default=",".join(PRESETS))
    parser.add_argument("--rate", type=float, default=713, help="TFLOP/s of the card's bfloat16 products")
    parser.add_argument("--share", type=float, default=0.35, help="how much of it a step reaches")
    arguments = parser.parse_args()
    with FakeTensorMode(allow_non_fake_inputs=True):
        rows = [row(name, arguments.rate, arguments.share) for name in arguments.presets.split(",")]
    print(table(COLUMNS, rows))


if __name__ == "__main__":
    main()
