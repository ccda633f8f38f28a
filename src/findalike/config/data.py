"""The section ``data`` of a run: what is trained on, and what the run is judged by."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from findalike.config.section import Section

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""A name that is also a folder: letters, digits, ``.``, ``_`` and ``-``."""

Condition = Annotated[str, Field(pattern=r"^[^=]+=.*$")]
"""``column=value``."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class TrainingData(Section):
    """One data set that a run trains on.

    Attributes:
        name: of the data set in messages; its labels never mix with those of another one.
        path: the table, or the folder for readers of folders; may hold ``${VARIABLE}`` or
            ``${VARIABLE:-default}``, and is relative to the recipe.
        reader: the layout of ``path``: ``table`` is a CSV with ``img_path`` (or ``image_path``)
            and ``label`` (or ``product_id``), and if known ``domain``, ``group``, ``split`` and
            the box as ``bbox_x`` to ``bbox_h``; ``challenge`` a folder with ``gallery.csv`` and
            ``queries.csv``; ``catalogue`` anything that `findalike index` reads.
        root: folder that image paths are relative to; the table's own by default.
        where: ``column=value`` each: only rows with one of the values named for each column.
        domain: who took the photos of a table whose rows do not say.
        labels: ``product`` pulls the photos of a product together; ``image`` makes every photo a
            class of its own, which needs no labels: its augmented views are what is alike.
        views: how often a photo counts with ``labels: image``.
        min_images: labels with fewer images are left out.
        share: part of each batch that comes from this data set, relative to the other shares; by
            default its part of all images.
    """

    name: Name
    path: str = Field(min_length=1)
    reader: Literal["table", "challenge", "catalogue"] = "table"
    root: str | None = None
    where: tuple[Condition, ...] = ()
    domain: Literal["seller", "user"] = "seller"
    labels: Literal["product", "image"] = "product"
    views: int = Field(default=2, ge=2, le=16)
    min_images: int = Field(default=1, ge=1)
    share: Annotated[float, Field(gt=0.0)] | None = None


class ValidationData(Section):
    """Queries ranked against a gallery, as `findalike evaluate` does it.

    Attributes:
        name: of the protocol in figures and in ``validate.criterion``.
        gallery: any catalogue, such as the challenge's ``gallery.csv``.
        queries: ``queries.csv`` of the challenge.
        root: folder of the photos; the gallery's own by default.
        where: ``column=value`` each: only queries with that value.
        limit: at most so many queries, drawn by the run's seed; all by default.
    """

    name: Name
    gallery: str = Field(min_length=1)
    queries: str = Field(min_length=1)
    root: str | None = None
    where: tuple[Condition, ...] = ()
    limit: int | None = Field(default=None, ge=1)


class DataSection(Section):
    """What is trained on and what judges it.

    Attributes:
        train: the data sets; every image whose ``split`` is ``val`` goes to the validation loss.
        classes: how many labels there are in all; found from the data, and checked if given.
        validation: protocols that are evaluated as the run goes on.
        allow_leaks: names of validation sets, or of kinds of leak, that may share something with
            the training data; anything else found is an error.
        leak_cosine: pictures whose embeddings by the ImageNet encoder have at least this cosine are
            nearly the same, such as a photo and a crop of it; None to compare by hashes alone,
            which spares embedding every picture once.
    """

    train: tuple[TrainingData, ...] = Field(min_length=1)
    classes: int | None = Field(default=None, ge=1)
    validation: tuple[ValidationData, ...] = ()
    allow_leaks: tuple[str, ...] = ()
    leak_cosine: Annotated[float, Field(gt=0.5, le=1.0)] | None = 0.93

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for what, names in (
            ("train", [entry.name for entry in self.train]),
            ("validation", [entry.name for entry in self.validation]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what} names {twice[0]!r} twice: give each its own name")
        return self
