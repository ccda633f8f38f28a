"""`findalike data products10k`, `sop` and `inshop`: tables for data sets that are at hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from findalike.cli.options import AsJson

if TYPE_CHECKING:
    from findalike.data.datasets import DatasetReport, PublicDataset

Folder: TypeAlias = Annotated[
    Path, typer.Argument(help="Folder the data set was unpacked in.", show_default=False)
]
Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="Folder for the tables; default: findalike/ in the data set's folder."),
]
ValShare: TypeAlias = Annotated[
    float,
    typer.Option(
        min=0, max=1, help="Share of the training products that is held out as split val."
    ),
]
Seed: TypeAlias = Annotated[int, typer.Option(min=0, help="Seed of the choice of these.")]
CheckImages: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--check-images", help="Also read the header of each image; that they exist always is."
    ),
]

SHOWN = 3


def products10k(
    folder: Folder,
    out: Out = None,
    val_share: ValShare = 0.1,
    seed: Seed = 0,
    check_images: CheckImages = False,
    as_json: AsJson = False,
) -> None:
    """Make tables for Products-10K: train.csv, gallery.csv and queries.csv. No image is copied.

    Reads train.csv (name, class, group) and test_kaggletest.csv (name, class, group, Usage), and
    the folders train and test. The test photos are both queries and gallery, each searched for
    among all others; their classes are those of training, so this measures known products, and
    val_gallery.csv with val_queries.csv unknown ones.

    The data set is from https://products-10k.github.io (JD AI Research), for non-commercial
    research.

    Example: `findalike data products10k products10k`
    """
    from findalike.data.datasets import PRODUCTS10K

    _write(PRODUCTS10K, folder, out, val_share, seed, check_images, as_json=as_json)


def sop(
    folder: Folder,
    out: Out = None,
    val_share: ValShare = 0.1,
    seed: Seed = 0,
    check_images: CheckImages = False,
    as_json: AsJson = False,
) -> None:
    """Make tables for Stanford Online Products with its official split. No image is copied.

    Reads Ebay_train.txt and Ebay_test.txt (image_id class_id super_class_id path). The test photos
    are both queries and gallery, each searched for among all others, as the figures of the
    literature are measured.

    The data set is from https://cvgl.stanford.edu/projects/lifted_struct (Stanford), collected for
    research; the LICENSE in its archive says what is allowed.

    Example: `findalike data sop Stanford_Online_Products`
    """
    from findalike.data.datasets import SOP

    _write(SOP, folder, out, val_share, seed, check_images, as_json=as_json)


def inshop(
    folder: Folder,
    out: Out = None,
    boxes: Annotated[
        bool, typer.Option(help="Use the boxes of Anno/list_bbox_inshop.txt, if it is there.")
    ] = True,
    val_share: ValShare = 0.1,
    seed: Seed = 0,
    check_images: CheckImages = False,
    as_json: AsJson = False,
) -> None:
    """Make tables for DeepFashion's In-shop Clothes Retrieval with its official split.

    Reads Eval/list_eval_partition.txt (image_name item_id evaluation_status) and the boxes of
    Anno/list_bbox_inshop.txt. No image is copied. Figures of the literature are mostly of whole
    photos: `--no-boxes`.

    The data set is from https://mmlab.ie.cuhk.edu.hk/projects/DeepFashion.html (CUHK, Multimedia
    Lab), under DeepFashion's agreement: non-commercial research and teaching only.

    Example: `findalike data inshop "In-shop Clothes Retrieval Benchmark"`
    """
    from dataclasses import replace
    from functools import partial

    from findalike.data.datasets import INSHOP
    from findalike.data.datasets.inshop import read_inshop

    dataset = replace(INSHOP, read=partial(read_inshop, boxes=boxes))
    _write(dataset, folder, out, val_share, seed, check_images, as_json=as_json)


def _write(
    dataset: PublicDataset,
    folder: Path,
    out: Path | None,
    val_share: float,
    seed: int,
    check_images: bool,
    *,
    as_json: bool,
) -> None:
    from findalike.cli.output import print_json, progress_bar
    from findalike.data.datasets import write_tables

    with progress_bar("reading", quiet=as_json) as show:
        report = write_tables(
            dataset,
            folder,
            out,
            val_share=val_share,
            seed=seed,
            check_images=check_images,
            progress=show,
        )
    if as_json:
        from dataclasses import asdict

        print_json(asdict(report))
    else:
        _print(report)


def _print(report: DatasetReport) -> None:
    from findalike.cli.output import console, print_note

    lines = [
        f"{report.dataset}: {report.train_images:,} images of {report.train_labels:,} products to "
        f"train with, {report.val_images:,} of {report.val_labels:,} held out",
        f"{report.queries:,} queries, {report.gallery_images:,} gallery images",
        f"tables: {report.out}",
        f"terms: {report.terms}",
    ]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
    for refusal in report.refusals[:SHOWN]:
        column = f"{refusal.column} " if refusal.column else ""
        print_note(
            f"{refusal.file}, row {refusal.row} left out: {column}{refusal.item or refusal.value}: "
            f"{refusal.reason}; allowed: {refusal.allowed}"
        )
    if report.refused > SHOWN:
        print_note(f"... and {report.refused - SHOWN:,} more, in {report.out / 'refused.csv'}")
