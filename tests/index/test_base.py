"""The engine interface stays small enough to write a second engine for."""

import inspect

from findalike.index.base import Index


def test_at_most_ten_documented_methods_without_open_ended_arguments():
    members = {name: getattr(Index, name) for name in Index.__abstractmethods__}
    methods = {name: m for name, m in members.items() if inspect.isfunction(m)}
    assert len(methods) <= 10
    for name, member in members.items():
        assert member.__doc__, name
    for name, method in methods.items():
        kinds = {p.kind for p in inspect.signature(method).parameters.values()}
        assert inspect.Parameter.VAR_KEYWORD not in kinds, name
