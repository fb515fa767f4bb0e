"""Copies of the guards with one of them deleted each, made from their source.

Decides what counts as one guard: each `_refuse_if(...)` and called check of the soft PLC's rules, each
cause to stop, each refusal that the interlocks yield, and each operand of an `or` in such a condition.
What deleting it does is found by searching.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

_CHECKS = ("check_", "_check_")
_CAUSES = ("cause_to_stop", "_danger")


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard of a module: its function and condition, and its number in the source."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class _Site:
    """A place in a source tree at which a guard can be deleted: the whole statement, or an operand."""

    name: str
    statement: ast.stmt
    operands: ast.BoolOp | None = None
    operand: int = 0

    def delete(self) -> None:
        if self.operands is not None:
            self.operands.values[self.operand] = ast.Constant(isinstance(self.operands.op, ast.And))
        elif isinstance(self.statement, ast.If):
            if isinstance(self.statement.body[0], ast.Return):
                self.statement.test = ast.Constant(False)
            else:
                self.statement.body[0] = _silence()
        elif isinstance(self.statement, ast.Expr) and isinstance(self.statement.value, ast.YieldFrom):
            self.statement.value.value = ast.Tuple([], ast.Load())
        elif isinstance(self.statement, ast.Expr):
            self.statement.value = ast.Constant(None)


def guards_of(module: ModuleType) -> tuple[Guard, ...]:
    """Every guard of a module, in the order of its source; names are unique."""
    names = [site.name for site in _sites(_tree(module))]
    often, met = Counter(names), Counter[str]()
    guards = []
    for number, name in enumerate(names):
        met[name] += 1
        guards.append(Guard(f"{name} ({met[name]})" if often[name] > 1 else name, number))
    return tuple(guards)


def without(module: ModuleType, guard: Guard) -> ModuleType:
    """A copy of the module in which this guard is deleted."""
    tree = _tree(module)
    list(_sites(tree))[guard.number].delete()
    mutant = ModuleType(f"{module.__name__} without {guard.name}")
    sys.modules[mutant.__name__] = mutant  # a dataclass looks its own module up while it is made
    try:
        exec(compile(ast.fix_missing_locations(tree), "<mutant>", "exec"), mutant.__dict__)
    finally:
        del sys.modules[mutant.__name__]
    return mutant


def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _sites(tree: ast.Module) -> Iterator[_Site]:
    for function in tree.body:
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.stmt):
                    yield from _sites_at(function.name, node)


def _sites_at(function: str, statement: ast.stmt) -> Iterator[_Site]:
    if isinstance(statement, ast.Expr):
        value = statement.value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
            if value.func.id == "_refuse_if":
                yield from _whole_and_operands(function, statement, value.args[0])
            elif value.func.id.startswith(_CHECKS):
                yield _Site(f"{function}: {ast.unparse(value)}", statement)
        elif isinstance(value, ast.YieldFrom):
            yield _Site(f"{function}: {ast.unparse(value.value)}", statement)
    elif isinstance(statement, ast.If) and (_refuses(statement) or (function in _CAUSES and _names_cause(statement))):
        yield from _whole_and_operands(function, statement, statement.test)


def _whole_and_operands(function: str, statement: ast.stmt, condition: ast.expr) -> Iterator[_Site]:
    yield _Site(f"{function}: {ast.unparse(condition)}", statement)
    operands = condition
    if isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not):
        operands = condition.operand
        alike: type[ast.boolop] = ast.And
    else:
        alike = ast.Or
    if isinstance(operands, ast.BoolOp) and isinstance(operands.op, alike):
        for number, operand in enumerate(operands.values):
            yield _Site(f"{function}: without {ast.unparse(operand)}", statement, operands, number)


def _refuses(statement: ast.If) -> bool:
    first = statement.body[0]
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Yield)


def _names_cause(statement: ast.If) -> bool:
    first = statement.body[0]
    return isinstance(first, ast.Return) and isinstance(first.value, ast.Tuple)


def _silence() -> ast.stmt:
    return ast.Expr(ast.YieldFrom(ast.Tuple([], ast.Load())))
