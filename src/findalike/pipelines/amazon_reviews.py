"""The use case of `findalike data amazon-reviews`: pairs of sellers' and buyers' photos.

Four stages, each of which goes on where it was stopped: read both files into a list of pictures,
download these, embed them, and keep those that show their product.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from findalike.data.datasets.amazon_reviews import TERMS
from findalike.data.datasets.pair_store import PairStore
from findalike.data.image_source import ImageSource
from findalike.errors import StorageError
from findalike.models.encoder import Encoder
from findalike.pipelines.amazon.downloading import download_pictures
from findalike.pipelines.amazon.embedding import embed_pictures
from findalike.pipelines.amazon.reading import read_pairs
from findalike.pipelines.amazon.settings import AmazonSettings, Progress
from findalike.pipelines.amazon.tables import PairTable, write_pairs
from findalike.pipelines.embedding_store import EmbeddingStore
from findalike.types import Refusal


@dataclass(frozen=True, slots=True)
class AmazonReport:
    """What became of a collection.

    Attributes:
        products: those with pictures of both kinds that were worked on.
        downloaded: their pictures on disk.
        failed: pictures that cannot be had.
        later: pictures that failed for reasons that may pass; the next run tries them again.
        embedded: photos the encoder saw in this run.
        refused: lines of the two files that are no JSON objects.
        refusals: the first 100 of them.
        terms: where the data is from and what is allowed with it.
    """

    out: Path
    products: int
    downloaded: int
    failed: int
    later: int
    embedded: int
    tables: tuple[PairTable, ...]
    refused: int
    refusals: tuple[Refusal, ...]
    encoder: str
    terms: str


def collect_pairs(
    metadata: Path,
    reviews: Path,
    out: Path,
    *,
    encoder: Encoder,
    settings: AmazonSettings | None = None,
    progress: Progress | None = None,
) -> AmazonReport:
    """Make tables of pairs from the two files of a category.

    Running it again goes on where the last run was stopped; other thresholds cost no download and
    no embedding.

    Args:
        metadata, reviews: JSON lines, gzipped or not, of the releases of 2018 or 2023.
        out: folder for pictures, tables and state.
        progress: told of each stage.

    Raises:
        CatalogueError: if a file cannot be read, or names no pictures.
        SettingError: if the folder was made from other files or with other sizes.
        FetchError: if the network seems to be gone.
        StorageError: if the folder cannot be written, or another run is at work in it.
    """
    settings = settings or AmazonSettings()
    show = progress or (lambda *_: None)
    with _locked(out), PairStore(out / "state.sqlite") as store:
        read_pairs(store, metadata, reviews, settings, show)
        products = store.choose(settings.limit)
        download_pictures(store, out, settings, show)
        with EmbeddingStore(out / "embeddings.sqlite", encoder=encoder.fingerprint) as vectors:
            with ImageSource(out, limits=settings.limits, allow_urls=False) as source:
                embedded = embed_pictures(store, vectors, source, encoder=encoder, show=show)
            tables = tuple(
                write_pairs(store, vectors, out, replace(settings.rules, min_cosine=threshold))
                for threshold in settings.thresholds
            )
        counts = store.counts()
        refusals = [Refusal(**refusal) for refusal in store.told("refusals")]
        report = AmazonReport(
            out=out,
            products=products,
            downloaded=counts["done"],
            failed=counts["failed"],
            later=counts["later"],
            embedded=embedded,
            tables=tables,
            refused=store.told("refused"),
            refusals=tuple(refusals),
            encoder=encoder.name,
            terms=TERMS,
        )
    told = json.dumps(asdict(report), default=str, ensure_ascii=False, indent=2) + "\n"
    (out / "report.json").write_text(told, encoding="utf-8")
    return report


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    try:
        out.mkdir(parents=True, exist_ok=True)
        with FileLock(out / "lock", timeout=0):
            yield
    except Timeout:
        raise StorageError(f"another run is at work in {out}: wait until it is done") from None
    except OSError as error:
        raise StorageError(f"cannot write to {out}: {error.strerror or error}") from error
