"""Fit what tells a good box from a bad one, `data/proposing/scorer.json`, on a simulated shop.

    python recipes/prepare.py
    python recipes/boxes/fit_scorer.py --shop recipes/build/simulated_train

Each shopper's photo is taken whole and cut closer around its product, as simulated products are
smaller in their photos than most that people send. A small perceptron over the cues of windows is
fitted to their overlap with the true box; what its best window turns out to overlap, on photos left
out of that, gives the score its meaning. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from findalike.data.images import decode
from findalike.data.propose import cue_maps, propose_boxes
from findalike.data.proposing.cues import CUES
from findalike.data.proposing.scorer import SCORER, WIDEST, BoxScorer
from findalike.data.proposing.windows import neighbours, overlaps, window_grid
from findalike.data.queries import read_queries
from findalike.types import Box, Pixels

SURE = 0.5
"""Chosen by mAP on the dev sets, simulated and grocery, as `benchmarks/propose.py` measures it."""
UNITS, EPOCHS = 48, 30
BEST, NEAR, OTHERS = 60, 8, 244
CUTS = 2
LEFT_OUT = 5
"""Every so many-th photo is left out of the form's fit, and gives the score its meaning."""

Floats = NDArray[np.float32]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shop", type=Path, required=True, help="a simulated shop")
    parser.add_argument("--seed", type=int, default=0, help="draws windows and cuts")
    parser.add_argument("--out", type=Path, default=SCORER)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    photos = list(read_photos(arguments.shop))
    fitted = [view for at, p in enumerate(photos) if at % LEFT_OUT for view in views(p, rng)]
    judged = [view for p in photos[::LEFT_OUT] for view in views(p, rng)]
    scorer = fit_perceptron(fitted, rng)
    scorer = replace(scorer, fit=fit_meaning(scorer, judged))
    arguments.out.write_text(scorer.to_json(), encoding="utf-8")
    print(f"{len(fitted)} views fitted, {len(judged)} judged: {arguments.out}")


def read_photos(shop: Path) -> Iterator[tuple[Pixels, Box]]:
    """The shoppers' photos of a shop with their true boxes."""
    for query in read_queries(shop / "queries.csv")[0]:
        if query.box is not None:
            data = (shop / query.location).read_bytes()
            yield decode(data, name=query.location), query.box


def views(photo: tuple[Pixels, Box], rng: np.random.Generator) -> list[tuple[Pixels, Box]]:
    """The photo, and cuts of it in which the product takes a quarter to nearly all."""
    pixels, box = photo
    height, width = pixels.shape[:2]
    found = [photo]
    for _ in range(CUTS):
        side = np.sqrt(box.w * box.h / rng.uniform(0.25, 0.85))
        w = int(min(width, max(box.w, side * rng.uniform(0.8, 1.1))))
        h = int(min(height, max(box.h, side * rng.uniform(0.9, 1.3))))
        x = int(np.clip(box.x + box.w / 2 - w * rng.uniform(0.4, 0.6), 0, width - w))
        y = int(np.clip(box.y + box.h / 2 - h * rng.uniform(0.4, 0.6), 0, height - h))
        inside = Box(box.x - x, box.y - y, box.w, box.h).clipped(w, h)
        found.append((pixels[y : y + h, x : x + w], inside))
    return found


def fit_perceptron(photos: list[tuple[Pixels, Box]], rng: np.random.Generator) -> BoxScorer:
    """Fit the perceptron: values by squared error, order within a photo by cross-entropy."""
    cues: list[Floats] = []
    wanted: list[Floats] = []
    for pixels, box in photos:
        maps = cue_maps(pixels)
        scale = np.array([maps.width / pixels.shape[1], maps.height / pixels.shape[0]] * 2)
        true = np.array([[box.x, box.y, box.x + box.w, box.y + box.h]]) * scale
        size = {"width": maps.width, "height": maps.height}
        grid = window_grid(**size)
        best = grid[np.argsort(-overlaps(grid, true)[:, 0])[:BEST]]
        near = neighbours(best[:NEAR], share=0.1, **size).reshape(-1, 4)
        others = grid[rng.choice(len(grid), OTHERS)]
        windows = np.concatenate([best, near, others])
        cues.append(maps.cues(windows))
        wanted.append(overlaps(windows, true)[:, 0].astype(np.float32))
    table, target = np.stack(cues), np.stack(wanted)
    flat = table.reshape(-1, table.shape[-1])
    mean, deviation = flat.mean(axis=0), flat.std(axis=0) + 1e-6
    hidden, output = perceptron(np.clip((table - mean) / deviation, -WIDEST, WIDEST), target)
    return BoxScorer(
        mean=mean,
        deviation=deviation,
        hidden=hidden,
        output=output,
        fit=(1.0, 0.0),
        sure=SURE,
        made_by="python recipes/boxes/fit_scorer.py --shop recipes/build/simulated_train",
    )


def perceptron(table: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Weights of both layers; see `BoxScorer`.

    Args:
        table: (photos, windows, cues), scaled.
        target: (photos, windows) overlaps.
    """
    import torch  # noqa: PLC0415 - reading photos needs none

    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(len(CUES), UNITS), torch.nn.ReLU(), torch.nn.Linear(UNITS, 1)
    )
    optimizer = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    x, y = torch.from_numpy(table), torch.from_numpy(target)
    for _ in range(EPOCHS):
        for photos in torch.randperm(len(x)).split(32):
            found, true = net(x[photos])[..., 0], y[photos]
            value = (torch.sigmoid(found) - true).square().mean()
            wanted = torch.softmax(15 * true, 1)
            order = -(wanted * torch.log_softmax(3 * found, 1)).sum(1).mean()
            optimizer.zero_grad()
            (5 * value + 0.2 * order).backward()
            optimizer.step()
        schedule.step()
    first, _, last = (layer.state_dict() for layer in net)
    hidden = torch.cat([first["weight"], first["bias"][:, None]], dim=1).numpy()
    return hidden, torch.cat([last["weight"][0], last["bias"]]).numpy()


def fit_meaning(scorer: BoxScorer, photos: list[tuple[Pixels, Box]]) -> tuple[float, float]:
    """The line from the outcome of the best window to the overlap it has."""
    plain = replace(scorer, fit=(1.0, 0.0), sure=-1.0)
    outcomes, found = [], []
    for pixels, box in photos:
        best = propose_boxes(pixels, most=1, scorer=plain)[0]
        b = best.box
        edges = np.array([[[o.x, o.y, o.x + o.w, o.y + o.h]] for o in (b, box)])
        outcomes.append(best.score)
        found.append(overlaps(edges[0], edges[1])[0, 0])
    slope, offset = np.polyfit(outcomes, found, 1)
    return round(float(slope), 4), round(float(offset), 4)


if __name__ == "__main__":
    main()
