"""For the reference pages: an attrs class is shown as it is called. mkdocs.yml names this file."""

from __future__ import annotations

from pydoc import locate
from typing import Any

import attrs
from griffe import Class, Extension, Function, Parameter, ParameterKind, Parameters


class AttrsSignatures(Extension):
    """Gives attrs classes the `__init__` that reading their source does not show."""

    def on_class_members(self, *, cls: Class, **_: object) -> None:
        """Add a signature made of the fields."""
        found = locate(cls.path)
        if isinstance(found, type) and attrs.has(found) and "__init__" not in cls.members:
            fields = sorted(attrs.fields(found), key=lambda field: field.kw_only)
            parameters = Parameters(Parameter("self"), *(_parameter(cls, field) for field in fields))
            cls.set_member("__init__", Function("__init__", parameters=parameters, returns="None"))


def _parameter(cls: Class, field: attrs.Attribute[Any]) -> Parameter:
    kind = ParameterKind.keyword_only if field.kw_only else ParameterKind.positional_or_keyword
    factory = getattr(field.default, "factory", None)
    default = None if field.default is attrs.NOTHING else repr(field.default)
    if factory is not None:
        default = f"{factory.__name__}()"
    name = field.alias or field.name
    return Parameter(name, annotation=cls[field.name].annotation, kind=kind, default=default)
