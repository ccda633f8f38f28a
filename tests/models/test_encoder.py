from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from findalike.errors import BundleError, SettingError
from findalike.models import Bundle, Encoder
from findalike.models.encoder import BATCH_SIZE
from findalike.types import InputSpec


@pytest.fixture
def encoder(tmp_path, make_bundle) -> Encoder:
    return Encoder.load(make_bundle(tmp_path / "tiny"))


def _by_hand(pictures: np.ndarray) -> np.ndarray:
    n = len(pictures)
    cells = pictures.astype(np.float64).reshape(n, 2, 8, 2, 8, 3).mean(axis=(2, 4))
    flat = cells.transpose(0, 3, 1, 2).reshape(n, 12)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


def test_it_says_what_it_is(encoder, tmp_path):
    assert (encoder.name, encoder.dimension) == ("tiny", 12)
    assert encoder.input == InputSpec(16, "stretch", 0.1, 255)
    assert encoder.fingerprint == Bundle.load(tmp_path / "tiny").fingerprint
    assert encoder.threads >= 1


@pytest.mark.parametrize("n", [0, 1, BATCH_SIZE - 1, BATCH_SIZE, BATCH_SIZE + 1, 37])
def test_any_number_of_pictures_gives_rows_of_unit_length_in_order(encoder, random_pictures, n):
    embeddings = encoder.embed(random_pictures[:n])
    assert embeddings.shape == (n, 12)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, _by_hand(random_pictures[:n]), atol=1e-6)


@pytest.mark.parametrize("n", [0, 1, BATCH_SIZE + 1, 37])
def test_one_thread_gives_the_same_and_uses_no_other(
    encoder, random_pictures, n, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(encoder, "_pool", None)
    embeddings = encoder.embed(random_pictures[:n], one_thread=True)
    np.testing.assert_allclose(embeddings, _by_hand(random_pictures[:n]), atol=1e-6)


def test_views_and_reversed_arrays_are_taken_as_they_look(encoder, random_pictures):
    mirrored = random_pictures[::-2, :, ::-1]
    np.testing.assert_allclose(encoder.embed(mirrored), _by_hand(mirrored), atol=1e-6)


def test_the_argument_is_not_changed(encoder, random_pictures):
    before = random_pictures.copy()
    encoder.embed(random_pictures)
    np.testing.assert_array_equal(random_pictures, before)


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((2, 16, 16, 3), np.float32),
        np.zeros((16, 16, 3), np.uint8),
        np.zeros((1, 3, 16, 16), np.uint8),
        np.zeros((1, 17, 16, 3), np.uint8),
        np.zeros((1, 16, 16, 4), np.uint8),
        np.zeros((0,), np.uint8),
    ],
)
def test_another_shape_or_dtype_is_refused(encoder, batch):
    with pytest.raises(SettingError, match=r"uint8 pictures of shape \(n, 16, 16, 3\)"):
        encoder.embed(batch)


def test_threads_share_one_encoder(encoder, random_pictures):
    expected = encoder.embed(random_pictures)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: encoder.embed(random_pictures), range(64)):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_below_one_are_refused(tmp_path, make_bundle, threads):
    with pytest.raises(SettingError, match="threads"):
        Encoder.load(make_bundle(tmp_path / "tiny"), threads=threads)


def test_the_number_of_threads_is_kept(tmp_path, make_bundle):
    encoder = Encoder.load(make_bundle(tmp_path / "tiny"), threads=3)
    assert encoder.threads == 3
    assert encoder._session.get_session_options().intra_op_num_threads == 3


@pytest.mark.parametrize("fault", ["nan", "zero"])
def test_an_embedding_without_length_is_refused(tmp_path, make_bundle, fault):
    # Already at loading: the first run is a check too.
    with pytest.raises(BundleError, match="no usable embedding for picture 0 of 1: its length is"):
        Encoder.load(make_bundle(tmp_path / "tiny", fault=fault))


def test_the_picture_without_an_embedding_is_named(encoder):
    pictures = np.full((11, 16, 16, 3), 7, np.uint8)
    pictures[9] = 0
    with pytest.raises(BundleError, match="picture 9 of 11: its length is 0, not 1"):
        encoder.embed(pictures)


@pytest.mark.parametrize("fault", ["two_outputs", "float_input", "other_dimension"])
def test_a_graph_that_differs_from_its_description_is_refused(tmp_path, make_bundle, fault):
    with pytest.raises(BundleError, match="its description says"):
        Encoder.load(make_bundle(tmp_path / "tiny", fault=fault))


def test_another_input_size_than_described_is_refused(tmp_path, make_bundle):
    spec = {"size": 32, "resize": "stretch", "context": 0.0, "fill": 255}
    with pytest.raises(BundleError, match="its description says"):
        Encoder.load(make_bundle(tmp_path / "tiny", input=spec))


def test_what_the_runtime_cannot_run_is_refused(tmp_path, write_model, manifest_values):
    from onnx import load_model, save_model

    from findalike.models import Manifest, write_bundle

    path = write_model(tmp_path / "m.onnx")
    model = load_model(path)
    model.graph.node[0].op_type = "Transmogrify"
    save_model(model, path)
    write_bundle(tmp_path / "b", Manifest.model_validate(manifest_values), model=path, card="")
    with pytest.raises(BundleError, match="is not a model that ONNX Runtime"):
        Encoder.load(tmp_path / "b")
