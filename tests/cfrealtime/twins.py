"""Which generated model says the same as one of ours: by the names that both have on the wire."""

from __future__ import annotations

from functools import cache

import attrs

from cfrealtime.models.shared import wire_name
from tests.cfrealtime import generated

FLAT_ERROR = {"errorCode", "errorDescription"}


def wire_names(model):
    """The names that one of our models has on the wire, where an item's error is flat."""
    names = {wire_name(attribute) for attribute in attrs.fields(model)} - {"extra"}
    return (names - {"error"}) | FLAT_ERROR if "error" in names else names


@cache
def generated_attributes(model):
    """A generated model's attributes by their names on the wire: it declares them in snake_case."""

    def camel(name):
        head, *rest = name.rstrip("_").split("_")
        return head + "".join(part.capitalize() for part in rest)

    names = {camel(attribute.name): attribute.name for attribute in attrs.fields(model)}
    del names["additionalProperties"]
    return names


def generated_names(model):
    """The names that a generated model has on the wire."""
    return set(generated_attributes(model))


@cache
def twin_of(model):
    """The generated model that has all names of ours, and the fewest besides."""
    twins = [twin for twin in vars(generated).values() if attrs.has(twin)]
    twins = [twin for twin in twins if wire_names(model) <= generated_names(twin)]
    assert twins, f"no generated model has all the fields of {model.__name__}"
    return min(twins, key=lambda twin: len(generated_names(twin)))
