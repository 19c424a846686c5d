"""Templates, one set for each language: what every page of a language shares is written into the compiled template.

A sentence `_("…")`, a drawing `ui.icon("check")`, an address `url_for("units.places")` and `language().code` become
part of a page's fixed text when all their arguments stand in the template, so showing a page looks none of them up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask.templating import Environment
from jinja2 import nodes
from jinja2.bccache import Bucket, FileSystemBytecodeCache
from jinja2.compiler import CodeGenerator, Frame, optimizeconst
from jinja2.utils import _PassArg
from jinja2.visitor import NodeTransformer
from markupsafe import (  # type: ignore[attr-defined]
    Markup,
    _escape_inner,
    escape,
)

TEMPLATES_IN_MEMORY = 200


def shown(value: Any) -> str:
    """A value as it stands in a page. What escape() wraps as Markup stays plain text: that takes an 18th of the time."""
    kind = type(value)
    if kind is str:
        return _escape_inner(value)
    return value if kind is Markup else escape(value)


class _Generator(CodeGenerator):
    """Writes Python that calls a function at once; Jinja's own first asks whether it wants the context."""

    @optimizeconst
    def visit_Call(  # noqa: N802 -- Jinja's name
        self, node: nodes.Call, frame: Frame, forward_caller: bool = False
    ) -> None:
        called = node.node
        known: Any = self.environment.globals.get(called.name) if isinstance(called, nodes.Name) else None
        if _PassArg.from_obj(known) is not None:
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(called, frame)
        self.write("(*()")  # signature() begins every argument with a comma
        self.signature(node, frame, {"caller": "caller"} if forward_caller else None)
        self.write(")")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.shown(")


class SiteEnvironment(Environment):
    """Flask's templates; after `in_language` those of one language."""

    code_generator_class = _Generator
    shown = staticmethod(shown)
    fixed: Mapping[str, Callable[..., str]]
    language: object

    def in_language(
        self, language: object, fixed: Mapping[str, Callable[..., str]], cache: CompiledTemplates | None
    ) -> SiteEnvironment:
        """A set of the same templates in which `fixed` functions are called once, when a template is compiled."""
        own = self.overlay(cache_size=TEMPLATES_IN_MEMORY, bytecode_cache=cache)
        own.globals = self.globals | {"language": lambda: language}
        own.language, own.fixed = language, fixed
        return own

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        if self.overlayed:
            source = _Fix(self).visit(source)
        return super()._generate(source, name, filename, defer_init)


class _Fix(NodeTransformer):
    """Puts text in the place of calls whose answer is the same on every page of a language."""

    def __init__(self, environment: SiteEnvironment) -> None:
        self._environment = environment

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 -- Jinja's name
        self.generic_visit(node)
        name = _name(node.node)
        make = self._environment.fixed.get(name)
        if make is None or node.dyn_args is not None or node.dyn_kwargs is not None:
            return node
        try:
            given = [argument.as_const() for argument in node.args]
        except nodes.Impossible:
            return node
        if name == "_" and node.kwargs:
            values = nodes.Dict([nodes.Pair(nodes.Const(pair.key), pair.value) for pair in node.kwargs])
            return nodes.Mod(nodes.TemplateData(make(*given)), values, lineno=node.lineno)
        try:
            named = {pair.key: pair.value.as_const() for pair in node.kwargs}
        except nodes.Impossible:
            return node
        text = make(*given, **named)
        return nodes.TemplateData(text % () if name == "_" else text, lineno=node.lineno)

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802 -- Jinja's name
        if isinstance(node.node, nodes.Call) and _name(node.node.node) == "language":
            return nodes.Const(getattr(self._environment.language, node.attr), lineno=node.lineno)
        return self.generic_visit(node)


def _name(called: nodes.Node) -> str:
    """The name of a function that is called; of a component without `ui.`, as it is called inside ui.html."""
    if isinstance(called, nodes.Getattr) and _name(called.node) == "ui":
        return called.attr
    return called.name if isinstance(called, nodes.Name) else ""


class CompiledTemplates(FileSystemBytecodeCache):
    """Templates of one language as Python keeps them, so that a new worker need not read them anew.

    `made_of` is everything written into them from outside: when it changes, they are compiled anew.
    """

    def __init__(self, folder: Path, language: str, made_of: bytes) -> None:
        super().__init__(str(folder), f"{language}-%s.cache")
        self._made_of = hashlib.sha256(made_of + Path(__file__).read_bytes()).hexdigest()

    def get_source_checksum(self, source: str) -> str:
        """What a kept template is compared by."""
        return super().get_source_checksum(self._made_of + source)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep one if there is room; a full disk is no matter."""
        with suppress(OSError):
            super().dump_bytecode(bucket)
