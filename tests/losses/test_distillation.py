from __future__ import annotations

import math

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from findalike.errors import SettingError  # noqa: E402
from findalike.losses import EmbeddingDistillation, RelationalDistillation  # noqa: E402


def _rows(count: int, dimension: int, seed: int, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, dimension, generator=generator, dtype=dtype)


def test_embeddings_of_one_dimension_are_compared_as_they_are():
    student, teacher = _rows(5, 4, 0), _rows(5, 4, 1)
    loss = EmbeddingDistillation(4, 4)
    expected = 0.0
    for row, wanted in zip(student, teacher, strict=True):
        expected += 1 - float(row @ wanted / (row.norm() * wanted.norm()))

    assert not list(loss.parameters())
    assert loss(student, teacher).item() == pytest.approx(expected / 5)
    assert loss(3 * teacher, teacher).item() == pytest.approx(0.0, abs=1e-12)
    assert loss(-teacher, teacher).item() == pytest.approx(2.0)


def test_a_map_is_learnt_where_dimensions_differ():
    torch.manual_seed(0)
    teacher = _rows(12, 3, 2, torch.float32)
    student = teacher @ _rows(3, 6, 3, torch.float32)
    loss = EmbeddingDistillation(6, 3)
    assert loss.map.weight.shape == (3, 6)
    optimiser = torch.optim.Adam(loss.parameters(), lr=0.05)
    for _ in range(200):
        optimiser.zero_grad()
        value = loss(student, teacher)
        value.backward()
        optimiser.step()
    assert value.item() < 1e-3


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_relations_against_a_loop(temperature):
    student, teacher = _rows(5, 4, 4), _rows(5, 7, 5)

    def shares(rows, i):
        others = [j for j in range(5) if j != i]
        scores = [
            math.exp(functional.cosine_similarity(rows[i], rows[j], dim=0).item() / temperature)
            for j in others
        ]
        return [score / sum(scores) for score in scores]

    expected = 0.0
    for i in range(5):
        pairs = zip(shares(teacher, i), shares(student, i), strict=True)
        expected += sum(t * math.log(t / s) for t, s in pairs)
    found = RelationalDistillation(temperature)(student, teacher).item()
    assert found == pytest.approx(expected / 5)


def test_relations_do_not_see_rotation_or_length():
    teacher = _rows(6, 4, 6)
    rotation = torch.linalg.qr(_rows(4, 4, 7)).Q
    loss = RelationalDistillation()
    assert loss(5 * teacher @ rotation, teacher).item() == pytest.approx(0.0, abs=1e-12)
    assert loss(_rows(6, 4, 8), teacher).item() > 0.01


@pytest.mark.parametrize("made", [lambda: EmbeddingDistillation(4, 4), RelationalDistillation])
def test_gradients_against_differences_reach_the_student_only(made):
    loss = made()
    student, teacher = _rows(5, 4, 9).requires_grad_(), _rows(5, 4, 10).requires_grad_()
    assert torch.autograd.gradcheck(lambda rows: loss(rows, teacher), (student,))
    loss(student, teacher).backward()
    assert teacher.grad is None


@pytest.mark.parametrize("count", [0, 1])
def test_without_a_pair_the_relations_cost_nothing(count):
    student = _rows(count, 4, 11).requires_grad_()
    value = RelationalDistillation()(student, _rows(count, 3, 12))
    value.backward()
    assert value.item() == 0.0
    assert not student.grad.any()


@pytest.mark.parametrize("made", [lambda: EmbeddingDistillation(8, 5), RelationalDistillation])
def test_bfloat16_under_autocast_is_computed_in_float32(made):
    torch.manual_seed(1)
    loss = made()
    student = _rows(6, 8, 13, torch.bfloat16).requires_grad_()
    teacher = _rows(6, 5, 14, torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = loss(student, teacher)
    mixed.backward()
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, loss(student.detach().float(), teacher))
    assert student.grad.isfinite().all()


def test_what_is_out_of_range_is_refused():
    with pytest.raises(SettingError, match="temperature=0"):
        RelationalDistillation(0)
    with pytest.raises(SettingError, match="of 3 into 0 dimensions"):
        EmbeddingDistillation(0, 3)
