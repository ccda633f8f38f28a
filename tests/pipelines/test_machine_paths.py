from __future__ import annotations

import pytest

from findalike.pipelines.machine_paths import without_machine_paths


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/home/me/photos/shoes/gallery.csv", "…/shoes/gallery.csv"),
        ("/gallery.csv", "…/gallery.csv"),
        ("C:\\Users\\me\\shoes\\gallery.csv", "…/shoes/gallery.csv"),
        ("${DATA:-/home/me}/gallery.csv", "${DATA}/gallery.csv"),
        ("${DATA}/gallery.csv", "${DATA}/gallery.csv"),
        ("local-dir:/home/me/models/convnext", "local-dir:…/models/convnext"),
        ("timm/local-dir:/home/me/models/convnext", "timm/local-dir:…/models/convnext"),
        ("~/photos/gallery.csv", "~/gallery.csv"),
        ("../data/gallery.csv", "../data/gallery.csv"),
        ("timm/resnet18", "timm/resnet18"),
        ("open_clip/convnext_xxlarge:laion2b", "open_clip/convnext_xxlarge:laion2b"),
        ("package:weights/models/file.pth", "package:weights/models/file.pth"),
        ("https://tracking.example:5000/path", "https://tracking.example:5000/path"),
        ("split=unseen", "split=unseen"),
        (224, 224),
        (None, None),
    ],
)
def test_only_absolute_paths_are_cut(given, expected):
    assert without_machine_paths(given) == expected


def test_they_are_found_at_any_depth():
    given = {"data": {"train": [{"path": "/home/me/a/b.csv", "views": 2}]}}
    assert without_machine_paths(given) == {"data": {"train": [{"path": "…/a/b.csv", "views": 2}]}}
