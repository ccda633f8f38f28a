"""The page templates of this package; whatever is put into them is escaped."""

from __future__ import annotations

import functools

import jinja2


def render(name: str, **values: object) -> str:
    """Fill one template of the folder ``templates``; unknown names in it are an error."""
    return _environment().get_template(name).render(**values)


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("findalike.evaluation"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
