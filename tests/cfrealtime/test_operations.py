"""The cases that other tests run through are all there are."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tests.cfrealtime.operations import BASE, CASES

DOCUMENT = Path(__file__).parents[2] / "openapi" / "realtime.yaml"


def test_every_operation_of_the_document_has_a_call():
    paths = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))["paths"]
    declared = {
        (verb["operationId"], name.upper(), re.sub(r"{\w+}", "*", path))
        for path, verbs in paths.items()
        for name, verb in verbs.items()
        if name in {"get", "post", "put"}
    }
    called = {
        (case.operation, case.method, re.sub(r"/(app|s1|key|user)(?=/|$)", "/*", case.url.removeprefix(BASE)))
        for case in CASES
    }
    assert called == declared
