"""What tests of several parts make: photos, tables and a tiny encoder."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

Rows = Sequence[Mapping[str, object]]


def write_table(path: Path, rows: Rows) -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    return path


def plain_rows() -> list[dict[str, object]]:
    """24 photos of 12 products, two each, in a fixed order."""
    return [
        {
            "product_id": f"p{number // 2:02d}",
            "image": f"{number}.jpg",
            "title": f"Product {number // 2}",
            "category": "Fruit/Apple" if number < 12 else "Fruit/Pear",
            "price": f"{number // 2}.50",
            "brand": "A" if number % 4 < 2 else "B",
            "sold_out": "true" if number < 4 else "false",
        }
        for number in range(24)
    ]


def write_photos(folder: Path, numbers: Iterable[int]) -> None:
    """Write the photos of these numbers; equal numbers give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        cells = np.random.default_rng(number).integers(0, 256, (4, 6, 3), dtype=np.uint8)
        photo = Image.fromarray(cells).resize((96, 64), Image.Resampling.BICUBIC)
        photo.save(folder / f"{number}.jpg", quality=90)


def make_tiny_encoder(folder: Path, *, name: str, tilt: float = 1.0) -> Path:
    """Write the bundle of ``tiny_encoder``; another ``tilt`` makes another encoder."""
    import onnx
    from onnx import TensorProto, helper

    from findalike.models.bundle import write_bundle
    from findalike.models.manifest import InputSection, Manifest, SourceSection

    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["floats"], ["channels"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "AveragePool", ["channels"], ["cells"], kernel_shape=[8, 8], strides=[8, 8]
        ),
        helper.make_node("Flatten", ["cells"], ["flat"]),
        helper.make_node("Sub", ["flat", "grey"], ["centred"]),
        helper.make_node("Pad", ["centred", "one_more", "tilt"], ["padded"]),
        helper.make_node("LpNormalization", ["padded"], ["embedding"], axis=1, p=2),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", 32, 32, 3])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 49])],
        [
            helper.make_tensor("grey", TensorProto.FLOAT, [1], [127.5]),
            helper.make_tensor("one_more", TensorProto.INT64, [4], [0, 0, 0, 1]),
            helper.make_tensor("tilt", TensorProto.FLOAT, [], [tilt]),
        ],
    )
    model = folder.parent / f"{name}.onnx"
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), model)
    manifest = Manifest(
        name=name,
        version="1",
        input=InputSection(size=32, resize="stretch", context=0.0, fill=255),
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        embedding_size=49,
        files={"encoder.onnx": "0" * 64},
        licence="Apache-2.0",
        source=SourceSection(backbone="mean colours", weights="none"),
        trained_on="nothing",
    )
    write_bundle(folder, manifest, model=model, card=f"# {name}\n")
    return folder
