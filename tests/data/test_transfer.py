from typing import NamedTuple

import pytest
import torch

from videogan.data.transfer import Packed


class Pair(NamedTuple):
    first: torch.Tensor
    second: torch.Tensor | None


TREE = (
    torch.arange(7, dtype=torch.uint8),
    Pair(torch.randn(3, 5).T, None),
    {"a": torch.tensor([True, False]), "b": torch.arange(4), "c": "text", "d": torch.empty(0, 2)},
)


def test_tensors_come_back_as_they_were_and_are_copies():
    source = torch.zeros(3)
    again, copy = Packed((TREE, source), pinned=False).to("cpu")
    source.fill_(1)
    assert not copy.any()
    assert again[1].second is None and again[2]["c"] == "text" and isinstance(again[1], Pair)
    for old, new in (
        (TREE[0], again[0]),
        (TREE[1].first, again[1].first),
        *zip(TREE[2].values(), again[2].values(), strict=True),
    ):
        if isinstance(old, torch.Tensor):
            assert torch.equal(old, new) and old.dtype == new.dtype and new.is_contiguous()


def test_all_lie_in_one_piece_of_memory():
    first, second = Packed((torch.ones(3), torch.zeros(2, dtype=torch.long)), pinned=False).to("cpu")
    assert first.untyped_storage().data_ptr() == second.untyped_storage().data_ptr()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_one_copy_brings_all_to_a_gpu():
    first, pair, _ = Packed(TREE, pinned=True).to("cuda")
    assert first.is_cuda and torch.equal(first.cpu(), TREE[0]) and torch.equal(pair.first.cpu(), TREE[1].first)
