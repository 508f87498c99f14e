"""Composes YAML in which an anchor is repeated, which PyYAML refuses."""

from collections.abc import Iterator
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.resolver import Resolver


class RepeatedAnchors(Composer):
    """Composes a text in which an anchor is repeated, which PyYAML refuses.

    An alias means the last anchor of its name before it (YAML 1.1 §3.2.2.2). libyaml's composer
    can't be changed, so this is PyYAML's own, on libyaml's events.
    """

    def __init__(self, events: Iterator[yaml.Event], resolver: Resolver) -> None:
        super().__init__()
        self._events = events
        self._next = next(self._events, None)
        self.resolve = resolver.resolve
        self.descend_resolver = resolver.descend_resolver
        self.ascend_resolver = resolver.ascend_resolver

    def check_event(self, *kinds: type[yaml.Event]) -> bool:
        return isinstance(self._next, kinds)

    def peek_event(self) -> Any:
        return self._next

    def get_event(self) -> Any:
        event, self._next = self._next, next(self._events, None)
        return event

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if not self.check_event(yaml.AliasEvent):
            self.anchors.pop(self.peek_event().anchor, None)
        return super().compose_node(parent, index)
