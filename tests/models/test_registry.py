from __future__ import annotations

from pathlib import Path

import pytest

from findalike.errors import BundleError
from findalike.models import DEFAULT_ENCODER, Bundle, find_bundle, list_bundles, pulled_folder
from findalike.models.registry import IMAGENET_ENCODER


def test_the_default_is_shipped_and_whole(home):
    bundle = find_bundle(DEFAULT_ENCODER)
    assert bundle.name == DEFAULT_ENCODER
    assert bundle.verified


def test_pulled_bundles_are_listed_after_the_shipped_ones_and_found(home, make_bundle):
    make_bundle(pulled_folder() / "zebra", name="zebra")
    make_bundle(pulled_folder() / "ant", name="ant")
    (pulled_folder() / ".ant-half-written").mkdir()
    (pulled_folder() / "notes").mkdir()
    entries = list_bundles()
    assert [(entry.name, entry.origin) for entry in entries] == [
        (IMAGENET_ENCODER, "shipped"),
        (DEFAULT_ENCODER, "shipped"),
        ("ant", "pulled"),
        ("zebra", "pulled"),
    ]
    assert all(entry.bundle and entry.problem is None for entry in entries)
    assert find_bundle("ant").folder == home / "bundles" / "ant"


def test_a_damaged_bundle_is_listed_with_its_problem(home, make_bundle):
    folder = make_bundle(pulled_folder() / "ant")
    (folder / "encoder.json").write_text("{}")
    entry = list_bundles()[-1]
    assert (entry.name, entry.bundle) == ("ant", None)
    assert entry.problem is not None
    assert "missing" in entry.problem


def test_the_folder_of_pulled_bundles_follows_argument_then_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("FINDALIKE_HOME", str(tmp_path / "env"))
    assert pulled_folder() == tmp_path / "env" / "bundles"
    assert pulled_folder(tmp_path / "given") == tmp_path / "given" / "bundles"
    monkeypatch.setenv("FINDALIKE_HOME", "~/shop")
    assert pulled_folder() == Path.home() / "shop" / "bundles"
    monkeypatch.delenv("FINDALIKE_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert pulled_folder().parts[-2:] == ("findalike", "bundles")


def test_home_as_an_argument_is_used(tmp_path, home, make_bundle):
    make_bundle(tmp_path / "other" / "bundles" / "ant", name="ant")
    assert find_bundle("ant", home=tmp_path / "other").name == "ant"
    assert [entry.name for entry in list_bundles(home=tmp_path / "other")][-1] == "ant"
    with pytest.raises(BundleError):
        find_bundle("ant")


def test_an_unknown_name_lists_the_choices(home, make_bundle):
    make_bundle(pulled_folder() / "resnet18", name="resnet18")
    with pytest.raises(BundleError) as caught:
        find_bundle("resnet81")
    message = str(caught.value)
    assert "did you mean 'resnet18'?" in message
    assert DEFAULT_ENCODER in message
    assert "models pull" in message


def test_a_path_is_found_as_path_and_as_text(tmp_path, home, make_bundle, monkeypatch):
    folder = make_bundle(tmp_path / "mine" / "tiny")
    assert find_bundle(folder).folder == folder
    assert find_bundle(str(folder)).folder == folder
    monkeypatch.chdir(folder.parent)
    assert find_bundle("tiny").name == "tiny"
    assert find_bundle("./tiny").name == "tiny"
    with pytest.raises(BundleError, match="no encoder bundle at"):
        find_bundle("./nothing")
    with pytest.raises(BundleError, match="no encoder bundle at"):
        find_bundle(Path(DEFAULT_ENCODER))


def test_a_name_wins_over_a_folder_beside_us(tmp_path, home, make_bundle, monkeypatch):
    make_bundle(tmp_path / DEFAULT_ENCODER)
    monkeypatch.chdir(tmp_path)
    assert find_bundle(DEFAULT_ENCODER).name == DEFAULT_ENCODER
    assert find_bundle(f"./{DEFAULT_ENCODER}").name == "tiny"


def test_finding_verifies(home, make_bundle):
    folder = make_bundle(pulled_folder() / "ant")
    (folder / "encoder.onnx").write_bytes(b"x")
    assert isinstance(list_bundles()[-1].bundle, Bundle)
    with pytest.raises(BundleError, match="damaged"):
        find_bundle("ant")
