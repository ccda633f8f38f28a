"""The head that is computed from the training photos, and computed anew after the training."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from findalike.data.training.reading import read_mixture  # noqa: E402
from findalike.models.network import build_network  # noqa: E402
from findalike.models.whitening import WhiteningHead  # noqa: E402
from findalike.pipelines.run_whitening import whiten  # noqa: E402
from pipelines.training_recipe import recipe, write_recipe  # noqa: E402

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipe")
    write_recipe(folder)
    return folder


@pytest.mark.parametrize("turned", [True, False])
def test_a_head_computed_anew_fits_what_was_learnt_beside_the_old_one(base, turned):
    run = recipe(base, "model.head=whitening", "model.embedding_size=8").runs[0]
    mixture = read_mixture(run.data, base=base)
    network = build_network(run.model, run.input, start="random", seed=1).eval()
    head = next(module for module in network.head if isinstance(module, WhiteningHead))
    features = torch.rand((40, network.feature_size), generator=torch.manual_seed(0))
    whiten(run, network, mixture)
    before = head(features)
    # As another rotation of the same whitening, such as other signs, would have come out.
    rotation = torch.linalg.qr(torch.randn((8, 8), generator=torch.manual_seed(1)))[0]
    head.weight.copy_(rotation @ head.weight)
    head.bias.copy_(rotation @ head.bias)
    learnt = head(features)
    whiten(run, network, mixture, turned=turned)
    after = head(features)
    # The embeddings are as far from each other as before, turned or not.
    assert np.allclose(after @ after.T, before @ before.T, atol=1e-4)
    assert np.allclose(after, learnt, atol=1e-3) == turned
