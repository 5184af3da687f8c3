"""What the SDK offers, as text.

python -m tests.cfrealtime.surface > tests/cfrealtime/public_surface.txt
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, get_overloads

import attrs

import cfrealtime

# The emulator and what pytest finds by itself have surfaces of their own; the colours are offered at the top.
ELSEWHERE = {"emulator", "pytest_plugin", "aio", "blocking", "__main__"}
PROTOCOLS = {"__init__", "__enter__", "__aenter__", "__iter__", "__len__"}
STARS = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


def modules() -> list[ModuleType]:
    """The package, and the modules in it that anybody may import."""
    names = [found.name for found in pkgutil.iter_modules(cfrealtime.__path__)]
    public = sorted(name for name in names if not name.startswith("_") and name not in ELSEWHERE)
    return [cfrealtime, *[import_module(f"cfrealtime.{name}") for name in public]]


def surface() -> Iterator[str]:
    """A line for every name and member. What several modules offer is described where it comes first."""
    homes: dict[int, str] = {}
    for module in modules():
        yield module.__name__
        for name in sorted(getattr(module, "__all__", [])):
            value = getattr(module, name)
            if inspect.isclass(value) and id(value) in homes:
                yield f"    {name}: see {homes[id(value)]}"
                continue
            homes[id(value)] = module.__name__
            yield from (f"    {line}" for line in described(name, value))
        yield ""


def described(name: str, value: Any) -> Iterator[str]:
    """What one name stands for."""
    if inspect.isclass(value):
        yield f"class {name}({', '.join(base.__name__ for base in value.__bases__ if base is not object)})"
        yield from (f"    {line}" for line in members(value))
    elif inspect.isfunction(value):
        yield function(name, value)
    elif name == "__version__":
        yield f"{name}: {type(value).__name__}"
    else:
        yield f"{name} = {value!r}".replace("cfrealtime.models.", "").replace("data_channels.", "")


def members(cls: type) -> Iterator[str]:
    """The members of a class, without those of bases that are described themselves."""
    own = dict(vars(cls))
    for base in cls.__bases__:
        ours = base.__module__.startswith("cfrealtime.") and "emulator" not in base.__module__
        if ours and base.__name__ not in cfrealtime.__all__:
            own = {**vars(base), **own}
    if attrs.has(cls):
        # As they are written: decoding an answer replaces the types of attributes by what they stand for.
        written = inspect.get_annotations(cls)
        yield from (attribute(one, written[one.name]) for one in attrs.fields(cls) if one.name[0] != "_")
        own.pop("__init__", None)
        own = {name: member for name, member in own.items() if name not in attrs.fields_dict(cls)}
    for name, member in sorted(own.items()):
        if name.startswith("_") and (name not in PROTOCOLS or made_by_us(member)):
            continue
        for each in get_overloads(member) if inspect.isfunction(member) else []:
            yield "overload " + function(name, each)
        if isinstance(member, property):
            yield f"{name} -> {inspect.signature(member.fget).return_annotation}"
        elif isinstance(member, (classmethod, staticmethod)):
            yield f"{type(member).__name__} " + function(name, member.__func__)
        elif inspect.isfunction(member):
            yield function(name, member)
            yield from assigned(member) if name == "__init__" else ()
        else:
            yield f"{name}: {type(member).__name__}"


def made_by_us(initializer: Any) -> bool:
    """Whether only the SDK can call an initializer."""
    return "Caller" in str(inspect.signature(initializer).parameters.get("caller"))


def attribute(one: attrs.Attribute[Any], annotation: object) -> str:
    """A field of a value."""
    made = isinstance(one.default, attrs.Factory)
    default = "" if one.default is attrs.NOTHING else " = ..." if made else f" = {one.default!r}"
    return f"{one.name}: {annotation}{default}{' (keyword only)' if one.kw_only else ''}"


def function(name: str, value: Any) -> str:
    """A function's signature, without what is only ours to pass."""
    signature = inspect.signature(value)
    shown = []
    for each in signature.parameters.values():
        if each.name in {"self", "cls"} or each.name.startswith("_"):
            continue
        if each.kind is each.KEYWORD_ONLY and "*" not in shown:
            shown.append("*")
        default = "" if each.default is each.empty else f" = {each.default!r}"
        shown.append(f"{STARS.get(each.kind, '')}{each.name}: {each.annotation}{default}")
    kind = "async " if inspect.iscoroutinefunction(value) else ""
    return f"{kind}{name}({', '.join(shown)}) -> {signature.return_annotation}"


def assigned(initializer: Any) -> Iterator[str]:
    """The public attributes that an initializer sets."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(initializer)))
    names = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and not node.attr.startswith("_")
    }
    yield from (f".{name}" for name in sorted(names))


if __name__ == "__main__":
    print("\n".join(surface()))
