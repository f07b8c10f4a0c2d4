"""tree --write_plain--> tree: values are written as they are, but nil and what is missing as
nothing. What the first generation's value sources give, without the escapes that they had.
"""

from __future__ import annotations

from dataclasses import replace

from apiql.gotemplate import syntax
from apiql.gotemplate.html_escapers import plain


def write_plain(tree: syntax.Tree) -> syntax.Tree:
    """The tree, whose actions write nothing for nil."""
    defined = {name: _body(body) for name, body in tree.defined.items()}
    return syntax.Tree(tree.text, _body(tree.body), defined)


def _body(nodes: syntax.List) -> syntax.List:
    return tuple(map(_node, nodes))


def _node(node: syntax.Node) -> syntax.Node:
    match node:
        case syntax.Action():
            return replace(node, escapers=(plain,))
        case syntax.If():
            branches = tuple((pipeline, _body(body)) for pipeline, body in node.branches)
            return syntax.If(branches, _body(node.other or ()), node.offset)
        case syntax.With() | syntax.Range():
            return replace(node, body=_body(node.body), other=_body(node.other or ()))
        case _:
            return node
