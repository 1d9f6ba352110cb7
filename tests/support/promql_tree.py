# SPDX-License-Identifier: MIT
"""promql_tree - what is in a PromQL expression, by a parser that is not ours (promql-parser)"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser

Node = Any  # the parser has no common type of its nodes


def parse(expr: str) -> Node:
    """Raises ValueError if it is none."""
    return promql_parser.parse(expr)


def _children(node: Node) -> list[Node]:
    if isinstance(node, promql_parser.BinaryExpr):
        return [node.lhs, node.rhs]
    if isinstance(node, promql_parser.Call):
        return list(node.args)
    if isinstance(node, promql_parser.MatrixSelector):
        return [node.vector_selector]
    if isinstance(node, promql_parser.AggregateExpr):
        return [child for child in (node.param, node.expr) if child is not None]
    inner = getattr(node, "expr", None)
    return [] if inner is None else [inner]


def walk(node: Node, above: tuple[Node, ...] = ()) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    """Every node with those above it, the nearest last."""
    yield node, above
    for child in _children(node):
        yield from walk(child, (*above, node))


def selectors(node: Node) -> Iterator[tuple[Any, tuple[Node, ...]]]:
    """Every selector of series, with what is above it."""
    for one, above in walk(node):
        if isinstance(one, promql_parser.VectorSelector):
            yield one, above


def matchers(selector: Any) -> dict[str, tuple[str, str]]:
    """By label: the operator and the value. The name counts as none."""
    operators = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
    found = {}
    for one in selector.matchers.matchers:
        found[one.name] = (operators[str(one.op).rpartition(".")[2]], one.value)
    return found


def ranged_calls(node: Node) -> Iterator[tuple[str, Any]]:
    """Functions over time, by name, and the selector of the range that they take."""
    for one, _ in walk(node):
        if isinstance(one, promql_parser.Call):
            for argument in one.args:
                if isinstance(argument, promql_parser.MatrixSelector):
                    yield one.func.name, argument


def grouping_labels(node: Node) -> Iterator[tuple[list[str], Node]]:
    """The labels of every `by` and `without`, and the aggregation."""
    for one, _ in walk(node):
        if isinstance(one, promql_parser.AggregateExpr) and one.modifier is not None:
            yield list(one.modifier.labels), one
