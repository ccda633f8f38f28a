from __future__ import annotations

from typing import Any

import pytest

from findalike.errors import SettingError
from findalike.models import pull as pulling


def test_list_and_show(findalike):
    told = findalike("models", "list", "--json").json
    assert "efficientnet-lite0-imagenet" in {entry["name"] for entry in told["encoders"]}
    assert "convnext_xxlarge" in told["backbones"]
    assert "efficientnet-lite0-imagenet" in findalike("models", "list").out
    card = findalike("models", "show", "efficientnet-lite0-imagenet", "--json").json
    assert card["embedding_size"] == 1280
    assert card["licence"] == "Apache-2.0"
    assert "Apache" in findalike("models", "show", "efficientnet-lite0-imagenet").out
    wrong = findalike("models", "show", "efficientnet-lite0")
    assert wrong.code == 2
    assert "efficientnet-lite0-imagenet" in wrong.err


def test_settings_of_pull_are_checked_at_once(findalike):
    for arguments, said in (
        (("--mean", "a,b"), "--mean"),
        (("--resize", "squeeze"), "stretch, pad or crop"),
    ):
        told = findalike("models", "pull", "resnet18", "--random", *arguments)
        assert told.code == 2
        assert said in told.err


@pytest.mark.parametrize(("arguments", "wanted"), [((), 0.05), (("--context", "0"), 0.0)])
def test_the_margin_around_a_box_is_the_one_of_pull(findalike, monkeypatch, arguments, wanted):
    asked: dict[str, Any] = {}

    def pull(backbone: str, **options: Any) -> None:
        asked.update(options)
        raise SettingError("seen enough")

    monkeypatch.setattr(pulling, "pull", pull)
    assert "seen enough" in findalike("models", "pull", "resnet18", *arguments).err
    assert asked["context"] == wanted
    assert "default: 0.05" in " ".join(findalike("models", "pull", "--help").out.split())
    assert pulling.DEFAULT_CONTEXT == 0.05


def test_doctor(findalike):
    told = findalike("doctor", "--json")
    assert told.code == 0
    assert told.json["ok"] is True
    states = {finding["what"]: finding["state"] for finding in told.json["findings"]}
    assert states["encoder"] == states["shop"] == "ok"
    assert "hashes right" in findalike("doctor").out
