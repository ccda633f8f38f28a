"""What the package offers, and every loss by its name."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from findalike import losses  # noqa: E402
from findalike.errors import SettingError  # noqa: E402
from findalike.losses import LOSSES, METRIC_LOSSES, find_loss  # noqa: E402

CLASSES, DIMENSION = 4, 6


def make(name: str) -> nn.Module:
    made = find_loss(name)
    if name in METRIC_LOSSES:
        return made(name, CLASSES, DIMENSION)
    if name in ("contrastive", "supervised-contrastive"):
        return made()
    if name == "xbm-contrastive":
        return made(DIMENSION, size=100)
    return made(CLASSES, DIMENSION)


def test_the_exports_are_sorted_and_there():
    names = list(losses.__all__)
    assert names == sorted(names, key=lambda n: (not n.isupper(), not n[0].isupper(), n))
    assert all(hasattr(losses, name) for name in names)


def test_every_loss_class_is_exported_and_registered():
    found = set()
    for module in pkgutil.iter_modules(losses.__path__, prefix="findalike.losses."):
        loaded = importlib.import_module(module.name)
        found |= {
            name
            for name, value in vars(loaded).items()
            if isinstance(value, type)
            and issubclass(value, nn.Module)
            and value.__module__ == module.name
        }
    assert found <= set(losses.__all__)
    registered = {made.__name__ for made in LOSSES.values()}
    assert registered == {name for name in found if name.endswith("Loss")}


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_every_loss_is_built_by_name_and_trains_a_network(name):
    torch.manual_seed(0)
    network, loss = nn.Linear(5, DIMENSION), make(name)
    pictures, labels = torch.randn(12, 5), torch.arange(12) % CLASSES
    optimiser = torch.optim.Adam([*network.parameters(), *loss.parameters()], lr=0.02)
    values = []
    for _ in range(60):
        optimiser.zero_grad()
        value = loss(network(pictures), labels, torch.arange(12))
        value.backward()
        optimiser.step()
        values.append(value.item())
    assert value.dtype == torch.float32
    assert value.shape == ()
    assert values[-1] < values[0]


def test_an_unknown_name_lists_the_choices():
    with pytest.raises(SettingError, match="did you mean 'arcface'") as caught:
        find_loss("arcfase")
    assert all(name in str(caught.value) for name in LOSSES)
