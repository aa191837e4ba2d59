"""What one network takes over from another of its kind: tensors of the same name and shape, and classes by name.

Tensors are those of state dicts.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from videogan.models.generator import Generator

CLASS_TABLES = ("classes.weight", "head.projection.weight", "head.classifier.weight", "head.classifier.bias")
"""Tensors with one row a class."""
CONDITIONED = ("dynamics.condition", "style.0", "codes.0")
"""Layers of a generator that see the condition: their first columns are the content code's, the next the class's."""


@torch.no_grad()
def take_over(
    network: nn.Module, tensors: Mapping[str, Tensor], class_names: Sequence[str], own_class_names: Sequence[str]
) -> list[str]:
    """Copy into a network what it has in common with another, of which these are the tensors and ``class_names``.

    Classes of the network that the other does not have stay as they are. Returns the names of the tensors that were not
    taken; a table of classes counts as taken.
    """
    rows = [(row, class_names.index(name)) for row, name in enumerate(own_class_names) if name in class_names]
    new = []
    for name, tensor in network.state_dict().items():
        if name.replace("parametrizations.weight.original", "weight") in CLASS_TABLES:
            for row, their_row in rows:
                tensor[row] = tensors[name][their_row]
        elif name in tensors and tensors[name].shape == tensor.shape:
            tensor.copy_(tensors[name])
        else:
            new.append(name)
    return new


def with_places_times(factor: float, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a generator with its biases by place multiplied, for one that divides them by another."""
    return {name: factor * tensor if name.endswith(".place") else tensor for name, tensor in tensors.items()}


def with_classes_as(generator: Generator, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of another generator as they would be if it had classes, or none, as this one does.

    Class embeddings that come new begin without an effect; where they go, the mean class becomes part of the biases.
    """
    table = tensors.get("classes.weight")
    if (table is None) == (generator.classes is None):
        return dict(tensors)
    adapted, content_dim = dict(tensors), generator.content_dim
    for name in CONDITIONED:
        weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        if table is None:
            columns = weight.new_zeros(len(weight), generator.class_dim)
            weight = torch.cat([weight[:, :content_dim], columns, weight[:, content_dim:]], dim=1)
        else:
            content, columns, rest = weight.tensor_split([content_dim, content_dim + table.shape[1]], dim=1)
            weight, bias = torch.cat([content, rest], dim=1), bias + columns @ table.mean(dim=0) * generator.class_scale
        adapted |= {f"{name}.weight": weight, f"{name}.bias": bias}
    return adapted
