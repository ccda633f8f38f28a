"""Requests made up from the description of the API, and what comes back held against it."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

from findalike.server.app import create_app
from findalike.server.connections import ConnectionLimits
from findalike.server.keys import KeyStore
from findalike.server.settings import ServerSettings
from server.guarded_app import bearer
from server.running import Running

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi import checks

EXAMPLES = int(os.environ.get("FINDALIKE_API_EXAMPLES", "8"))
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]

pytestmark = pytest.mark.filterwarnings("ignore")


def schema_of(app):
    return schemathesis.openapi.from_dict(app.openapi())


def operations() -> list[str]:
    app = create_app(ServerSettings(shop=Path("none"), open_search=True))
    return [found.ok().label for found in schema_of(app).get_all_operations()]


def unknown(host: str, port: int) -> list[str]:
    raise OSError(f"{host} is not known")


@pytest.fixture(scope="module")
def api(make_shop):
    shop = make_shop()
    _, key = KeyStore(shop).create("admin")
    app = create_app(
        ServerSettings(shop=shop, key_rate=0, address_rate=0, fetch_seconds=0.5, deadline=5.0)
    )
    server = Running(app, ConnectionLimits())
    app.state.service.fetcher._resolver = unknown
    app.state.service.photo_fetches.fetcher._resolver = unknown
    yield schema_of(app), server.url, bearer(key)
    server.stop()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("label", operations())
def test_answers_are_as_described(api, label, mode):
    schema, url, headers = api
    (operation,) = (f.ok() for f in schema.get_all_operations() if f.ok().label == label)
    cases = operation.as_strategy(generation_mode=mode)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def ask(case):
        case.call_and_validate(base_url=url, headers=headers, checks=CHECKS)

    try:
        ask()
    except Unsatisfiable:
        pytest.skip("nothing can be wrong with a request without parameters")
