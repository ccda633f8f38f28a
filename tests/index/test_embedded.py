"""The LanceDB engine: the conformance suite, then what only this engine promises."""

import pytest
from index_conformance import IndexConformance

from findalike.index.embedded import EmbeddedIndex


class TestConformance(IndexConformance):
    @pytest.fixture
    def index_factory(self, tmp_path):
        made = []

        def make(size):
            made.append(EmbeddedIndex.create(tmp_path / str(len(made)), embedding_size=size))
            return made[-1]

        return make


class TestConformanceWithAllIndexes(IndexConformance):
    """The same with every index built, however few the rows."""

    @pytest.fixture
    def index_factory(self, tmp_path, monkeypatch):
        monkeypatch.setattr("findalike.index.lance_upkeep.EXACT_LIMIT", 0)
        monkeypatch.setattr("findalike.index.lance_upkeep.ATTRIBUTE_INDEX_ROWS", 0)
        made = []

        def make(size):
            made.append(EmbeddedIndex.create(tmp_path / str(len(made)), embedding_size=size))
            return made[-1]

        return make
