"""torch.compile for the parts of a step where the time goes."""

import torch

from videogan.training.judging import Networks

RECOMPILE_LIMIT = 64
"""One module class occurs at many shapes; torch's own limit would fall back to eager code half-way."""


def compile_networks(networks: Networks) -> None:
    """Compile the decoder, both discriminators and the encoder in place, on their first call.

    The recurrent dynamics stay as they are: their length changes from step to step. Names in state dicts stay the
    same.
    """
    torch._dynamo.config.recompile_limit = RECOMPILE_LIMIT
    for generator in (networks.generator, networks.ema_generator):
        for stage in generator.stages:
            stage.compile(dynamic=False)
    for network in (*networks.discriminators(), networks.encoder):
        network.compile(dynamic=False)
