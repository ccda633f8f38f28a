"""What the tests run in processes of their own: readers and writers of one index folder.

python engine_process.py COMMAND FOLDER [ARGUMENT]
"""

import sys
from pathlib import Path

import numpy as np

from findalike.index.embedded import EmbeddedIndex
from findalike.index.schema import image_rows

SIZE = 16
ROWS = 200
BATCH = 40


def vectors(n, seed):
    made = np.random.default_rng(seed).normal(size=(n, SIZE)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def rows(ids, epoch):
    listed = [{"image_id": i, "product_id": f"p-{i}", "epoch": float(epoch)} for i in ids]
    return image_rows(listed, vectors(len(ids), epoch), {"epoch": "number"})


def epochs(index, count):
    """Rewrite every row, again and again, with the number of the turn."""
    for epoch in range(int(count)):
        index.upsert(rows([f"i{n}" for n in range(ROWS)], epoch))
        if epoch % 5 == 4:
            index.optimise()


def read(index, count):
    """See that each snapshot holds one turn of ``epochs``, whole."""
    for _ in range(int(count)):
        check_snapshot(index.snapshot())


def check_snapshot(view):
    found = [row["epoch"] for batch in view.fetch(columns=["epoch"]) for row in batch.to_pylist()]
    assert len(found) == ROWS, len(found)
    assert len(set(found)) == 1, set(found)
    [hits] = view.search(vectors(1, 0), k=ROWS, columns=["epoch"])
    assert [hit.row["epoch"] for hit in hits] == found


def append(index, prefix):
    """Add batches of new rows for ever, and say so after each."""
    for batch in range(10**6):
        index.upsert(rows([f"{prefix}-{batch}-{n}" for n in range(BATCH)], batch))
        print(batch, flush=True)
        if batch % 4 == 3:
            index.optimise()


def contend(index, prefix):
    """Write the same keys as another process, and some of its own."""
    for turn in range(8):
        index.upsert(rows([f"i{n}" for n in range(ROWS)], turn))
        index.upsert(rows([f"{prefix}-{turn}"], turn))


if __name__ == "__main__":
    command, folder, argument = sys.argv[1:]
    chosen = {"epochs": epochs, "read": read, "append": append, "contend": contend}[command]
    chosen(EmbeddedIndex.open(Path(folder)), argument)
