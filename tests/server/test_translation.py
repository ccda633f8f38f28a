"""Every error of findalike has a status over HTTP, and none tells of the machine."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from findalike import errors
from findalike.server.problems import as_problem
from findalike.shop.changes import ImageTakenError


def every_error() -> list[type[errors.FindalikeError]]:
    found = [errors.FindalikeError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return [kind for kind in found if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_is_a_problem(kind: type[errors.FindalikeError]) -> None:
    said = "/home/shop/index is damaged"
    if kind is errors.FilterError:
        error: errors.FindalikeError = errors.FilterError(said, expression="x", position=0)
    elif kind is errors.MissingExtraError:
        error = errors.MissingExtraError(said, extra="train")
    else:
        error = kind(said)
    problem = as_problem(error)
    assert problem.status in (400, 409, 422, 503)
    assert problem.kind
    assert problem.next_step
    assert problem.title != HTTPStatus(problem.status).phrase
    if problem.status == 503:
        assert "/home" not in problem.detail
        assert problem.headers["Retry-After"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.StorageError("x"), 503),
        (errors.EngineError("x"), 503),
        (errors.ShopNotFoundError("x"), 503),
        (errors.BundleError("x"), 503),
        (errors.ShopLockedError("x"), 503),
        (ImageTakenError("x"), 409),
        (errors.ImageError("x"), 422),
        (errors.BoxError("x"), 422),
        (errors.UrlError("x"), 422),
        (errors.FetchError("x"), 422),
        (errors.SettingError("x"), 422),
        (errors.FilterError("x", expression="x", position=0), 400),
    ],
    ids=lambda value: type(value).__name__,
)
def test_statuses(error: errors.FindalikeError, status: int) -> None:
    assert as_problem(error).status == status
