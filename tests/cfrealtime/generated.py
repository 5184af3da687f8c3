"""Every generated model under its name; in the package each has a module of its own."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from cfrealtime._generated import models

for _module in pkgutil.iter_modules(models.__path__, f"{models.__name__}."):
    for _name, _value in vars(import_module(_module.name)).items():
        if isinstance(_value, type) and _value.__module__ == _module.name:
            globals()[_name] = _value
