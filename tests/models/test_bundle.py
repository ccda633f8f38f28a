from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from findalike.errors import BundleError, StorageError
from findalike.models import Bundle, Encoder, Manifest, write_bundle
from findalike.models import bundle as bundle_module
from findalike.types import InputSpec


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _edit(folder: Path, **changes) -> None:
    path = folder / "encoder.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")


def test_a_written_bundle_says_what_it_was_given(tmp_path, make_bundle):
    bundle = Bundle.load(make_bundle(tmp_path / "b"))
    assert (bundle.name, bundle.version, bundle.embedding_size) == ("tiny", "1", 12)
    assert bundle.input == InputSpec(16, "stretch", 0.1, 255)
    assert bundle.verified
    assert _names(bundle.folder) == ["README.md", "encoder.json", "encoder.onnx"]
    assert (bundle.folder / "README.md").read_text() == "# tiny\n"


def test_the_fingerprint_follows_all_that_decides_an_embedding_and_nothing_else(
    tmp_path, make_bundle
):
    plain = Bundle.load(make_bundle(tmp_path / "a")).fingerprint
    assert len(plain) == 64
    renamed = make_bundle(
        tmp_path / "b", name="other", version="9", licence="MIT", trained_on="all"
    )
    assert Bundle.load(renamed).fingerprint == plain
    spec = {"size": 16, "resize": "stretch", "context": 0.1, "fill": 255}
    for key, value in {"size": 32, "resize": "pad", "context": 0.2, "fill": 0}.items():
        changed = make_bundle(tmp_path / key, input=spec | {key: value})
        assert Bundle.load(changed).fingerprint != plain, key
    assert Bundle.load(make_bundle(tmp_path / "c", fault="nan")).fingerprint != plain


def test_notes_may_be_added_to_the_card(tmp_path, make_bundle):
    folder = make_bundle(tmp_path / "b")
    (folder / "README.md").write_text("mine")
    Bundle.load(folder)
    (folder / "README.md").unlink()
    assert not (Bundle.load(folder).copy_to(tmp_path / "c").folder / "README.md").exists()


def test_a_changed_model_is_refused(tmp_path, make_bundle):
    folder = make_bundle(tmp_path / "b")
    with (folder / "encoder.onnx").open("r+b") as file:
        file.seek(100)
        file.write(b"\x00")
    with pytest.raises(BundleError, match=r"encoder\.onnx is damaged or was changed"):
        Bundle.load(folder)
    unverified = Bundle.load(folder, verify=False)
    assert not unverified.verified
    with pytest.raises(BundleError, match="damaged"):
        unverified.copy_to(tmp_path / "c")
    with pytest.raises(BundleError, match="damaged"):
        Encoder.load(unverified)


def test_a_missing_model_is_refused(tmp_path, make_bundle):
    folder = make_bundle(tmp_path / "b")
    (folder / "encoder.onnx").unlink()
    with pytest.raises(BundleError, match=r"encoder\.onnx is missing"):
        Bundle.load(folder)


@pytest.mark.parametrize("place", ["nowhere", "file", "empty"])
def test_what_is_no_bundle_is_refused(tmp_path, place):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BundleError, match="models list"):
        Bundle.load(tmp_path / place)


def test_a_link_in_place_of_the_model_is_refused(tmp_path, make_bundle):
    folder = make_bundle(tmp_path / "b")
    (folder / "encoder.onnx").rename(tmp_path / "elsewhere.onnx")
    (folder / "encoder.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    with pytest.raises(BundleError, match="not a plain file"):
        Bundle.load(folder)


def test_weights_beside_the_graph_are_hashed_copied_and_used(
    tmp_path, make_bundle, random_pictures
):
    folder = make_bundle(tmp_path / "b", external="encoder.onnx.data")
    bundle = Bundle.load(folder)
    assert sorted(bundle.manifest.files) == ["encoder.onnx", "encoder.onnx.data"]
    copy = bundle.copy_to(tmp_path / "c")
    shutil.rmtree(folder)
    expected = Encoder.load(make_bundle(tmp_path / "one-file")).embed(random_pictures)
    np.testing.assert_array_equal(Encoder.load(copy).embed(random_pictures), expected)
    with (copy.folder / "encoder.onnx.data").open("r+b") as file:
        file.write(b"\x01")
    with pytest.raises(BundleError, match=r"encoder\.onnx\.data is damaged"):
        Bundle.load(copy.folder)


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "sub/weights", "unlisted"])
def test_a_graph_that_reads_other_files_is_refused(tmp_path, make_bundle, write_model, location):
    from onnx import load_model
    from onnx.external_data_helper import set_external_data

    folder = make_bundle(tmp_path / "b")
    model = load_model(folder / "encoder.onnx")
    set_external_data(model.graph.initializer[0], location, offset=0, length=576)
    data = model.SerializeToString()
    (folder / "encoder.onnx").write_bytes(data)
    _edit(folder, files={"encoder.onnx": bundle_module.file_sha256(folder / "encoder.onnx")})
    with pytest.raises(BundleError, match="does not list"):
        Bundle.load(folder)


def test_writing_refuses_weights_outside_the_models_folder(tmp_path, write_model, manifest_values):
    from onnx import load_model
    from onnx.external_data_helper import set_external_data

    path = write_model(tmp_path / "m" / "model.onnx")
    model = load_model(path)
    set_external_data(model.graph.initializer[0], "../weights", offset=0, length=576)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(BundleError, match="only a file beside it"):
        write_bundle(tmp_path / "b", Manifest.model_validate(manifest_values), model=path, card="")
    assert not (tmp_path / "b").exists()


def test_copying_twice_is_one_copy(tmp_path, make_bundle):
    bundle = Bundle.load(make_bundle(tmp_path / "b"))
    first = bundle.copy_to(tmp_path / "shop" / "encoder")
    assert bundle.copy_to(tmp_path / "shop" / "encoder") == first
    assert first.fingerprint == bundle.fingerprint
    assert _names(tmp_path / "shop") == ["encoder"]


def test_copying_never_overwrites_something_else(tmp_path, make_bundle):
    bundle = Bundle.load(make_bundle(tmp_path / "b"))
    other = make_bundle(
        tmp_path / "other", input={"size": 16, "resize": "pad", "context": 0.0, "fill": 0}
    )
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("keep")
    (tmp_path / "plain").write_text("keep")
    for place in (other, tmp_path / "notes", tmp_path / "plain"):
        with pytest.raises(BundleError, match="something else lies there"):
            bundle.copy_to(place)
    assert (tmp_path / "notes" / "mine.txt").read_text() == "keep"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_copy_that_fails_leaves_nothing(tmp_path, make_bundle, monkeypatch):
    bundle = Bundle.load(make_bundle(tmp_path / "b"))

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle_module.shutil, "copyfileobj", full)
    with pytest.raises(StorageError, match="No space left"):
        bundle.copy_to(tmp_path / "shop" / "encoder")
    assert _names(tmp_path / "shop") == []


def test_many_copies_at_once_end_in_one_whole_bundle(tmp_path, make_bundle):
    bundle = Bundle.load(make_bundle(tmp_path / "b"))
    done: list[Bundle] = []
    threads = [
        threading.Thread(target=lambda: done.append(bundle.copy_to(tmp_path / "shop" / "e")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 8
    assert {copy.fingerprint for copy in done} == {bundle.fingerprint}
    assert _names(tmp_path / "shop") == ["e"]


def test_pictures_of_the_card_are_copied_but_not_hashed(tmp_path, make_bundle, write_model):
    source = Bundle.load(make_bundle(tmp_path / "b"))
    (tmp_path / "curve.png").write_bytes(b"curve")
    model = write_model(tmp_path / "m.onnx")
    pictures = {"loss.png": tmp_path / "curve.png"}
    made = write_bundle(
        tmp_path / "c", source.manifest, model=model, card="# c\n", pictures=pictures
    )
    assert (made.folder / "loss.png").read_bytes() == b"curve"
    assert set(made.manifest.files) == {"encoder.onnx"}
    (made.folder / "map.png").symlink_to(tmp_path / "curve.png")
    (made.folder / "other.png").write_bytes(b"other")
    copied = {path.name for path in made.copy_to(tmp_path / "d").folder.iterdir()}
    assert copied == {"encoder.json", "encoder.onnx", "README.md", "loss.png"}
    with pytest.raises(BundleError, match=r"'other.png' is no picture .* loss.png, map.png"):
        write_bundle(
            tmp_path / "e", source.manifest, model=model, card="",
            pictures={"other.png": tmp_path / "curve.png"},
        )  # fmt: skip
