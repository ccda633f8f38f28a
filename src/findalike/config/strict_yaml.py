"""YAML as configurations are written: nothing is overlooked, and nothing grows."""

from __future__ import annotations

import re
from typing import Any

import yaml

# PyYAML lets through what int() says to thousands of digits, and what too deep a nesting ends in.
NOT_YAML = (yaml.YAMLError, ValueError, RecursionError)
"""What loading raises of a text that is none."""


class StrictLoader(yaml.SafeLoader):
    """Refuses a key given twice, of which plain YAML silently keeps the last, and aliases.

    Aliases can make a small file grow without bound. Numbers and dates are those of YAML 1.2
    (https://yaml.org/spec/1.2.2/, 10.3.2), for to the YAML 1.1 of PyYAML ``1e-4`` is text and
    ``2026-11-22`` is not.

    Attributes:
        instead_of_aliases: what to do instead.
    """

    instead_of_aliases = "write out what they stand for"

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping, whose keys differ."""
        mapping = super().construct_mapping(node, deep)
        if len(mapping) != len(node.value):
            keys = [self.construct_object(key, deep) for key, _ in node.value]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {twice!r} is given twice", node.start_mark
            )
        return mapping

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """A part of the document, which is no alias."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            said = f"aliases are not allowed: {self.instead_of_aliases}"
            raise yaml.composer.ComposerError(None, None, said, event.start_mark)
        return super().compose_node(parent, index)


StrictLoader.yaml_implicit_resolvers = {
    first: [entry for entry in entries if entry[0] != "tag:yaml.org,2002:timestamp"]
    for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


def why_no_yaml(error: Exception) -> str:
    """What is wrong with a text that could not be loaded, in one line."""
    return " ".join(str(error).split()).replace('in "<byte string>", ', "in ")
