"""A change that takes two commits is seen whole or not at all, and is whole after a kill."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from index_conformance import SIZE, all_rows, random_vectors, table

from findalike.index.embedded import EmbeddedIndex
from findalike.index.unfinished import UNFINISHED_NAME, Unfinished, note_unfinished

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


class KilledError(BaseException):
    """The process ends here."""


@pytest.fixture
def index(tmp_path):
    made = EmbeddedIndex.create(tmp_path / "index", embedding_size=SIZE)
    made.upsert(rows("ab", "Old", FIRST))
    return made


def rows(ids, title, at):
    vectors = random_vectors(len(ids))
    return table(ids, vectors, title=[title] * len(ids), added_at=[at] * len(ids))


def change(index):
    """What puts b anew, adds c and takes a away."""
    index.upsert(rows("bc", "New", FIRST + timedelta(hours=1)), without=["a"])


def seen(index):
    return sorted((row["image_id"], row["title"]) for row in all_rows(index))


OLD = [("a", "Old"), ("b", "Old")]
NEW = [("b", "New"), ("c", "New")]


@pytest.fixture
def killed_at(index, monkeypatch):
    """Is killed at a step of the change; returns the index opened anew."""

    def killed(*_):
        raise KilledError

    def run(step):
        with monkeypatch.context() as patched:
            patched.setattr(index, step, killed)
            with pytest.raises(KilledError):
                change(index)
        return EmbeddedIndex.open(index.folder)

    return run


def has_note(index):
    return (index.folder / UNFINISHED_NAME).exists()


def test_it_is_carried_out_and_leaves_no_note(index):
    change(index)
    assert seen(index) == NEW
    assert not has_note(index)


def test_no_reader_sees_one_commit_without_the_other(index, monkeypatch):
    other = EmbeddedIndex.open(index.folder)
    looks = []
    remove = index._remove

    def look_first(images):
        if images:
            newcomer = EmbeddedIndex.open(index.folder)
            looks.extend([seen(index), seen(other), seen(other.snapshot()), seen(newcomer)])
        remove(images)

    monkeypatch.setattr(index, "_remove", look_first)
    change(index)
    assert looks == [OLD] * 4
    assert seen(index) == seen(other) == seen(other.snapshot()) == NEW


def test_readers_beside_many_changes_see_old_or_new(index):
    other = EmbeddedIndex.open(index.folder)
    stop = threading.Event()
    wrong = []

    def read():
        while not stop.is_set():
            found = [image_id for image_id, _ in seen(other.snapshot())]
            if found not in (["a", "b"], ["b", "c"]):
                wrong.append(found)

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(1, 11):
        at = FIRST + timedelta(hours=turn)
        came, went = ("bc", "a") if turn % 2 else ("ab", "c")
        index.upsert(rows(came, f"{turn}", at), without=[went])
    stop.set()
    reader.join()
    assert wrong == []


def test_after_the_first_commit_the_next_writer_finishes_it(killed_at):
    index = killed_at("_remove")
    assert seen(index) == OLD
    index.upsert(rows("d", "Later", FIRST + timedelta(hours=2)))
    assert seen(index) == [*NEW, ("d", "Later")]
    assert not has_note(index)


def test_before_the_first_commit_it_never_was(killed_at):
    index = killed_at("_put")
    assert has_note(index)
    index.optimise(quick=True)
    assert seen(index) == OLD
    assert not has_note(index)


def test_upkeep_finishes_it(killed_at):
    index = killed_at("_remove")
    index.optimise(quick=True)
    assert seen(index) == NEW


def test_its_files_are_listed_whole(killed_at):
    index = killed_at("_remove")
    with index.kept_files():
        assert not has_note(index)


def test_what_others_wrote_since_stays(killed_at):
    index = killed_at("_remove")
    note = (index.folder / UNFINISHED_NAME).read_bytes()
    index.upsert(rows("a", "Newest", FIRST + timedelta(hours=2)))
    (index.folder / UNFINISHED_NAME).write_bytes(note)
    index.optimise(quick=True)
    assert seen(index) == [("a", "Newest"), *NEW]


def test_a_damaged_note_says_nothing(index):
    change(index)
    (index.folder / UNFINISHED_NAME).write_text('{"at": ')
    assert seen(EmbeddedIndex.open(index.folder)) == NEW
    index.optimise(quick=True)
    assert not has_note(index)


def test_a_note_of_a_version_that_is_gone_does_not_close_the_index(index):
    change(index)
    note = Unfinished(before=999, at=FIRST, coming=("b",), going=("a",))
    note_unfinished(index.folder, note)
    assert seen(EmbeddedIndex.open(index.folder)) == NEW
