"""One file per service. A new file is a new service: nothing else needs to know it (docs/adr/0003)."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import Any

from components.service import Platform, Service

LeafService = Service[Any, Platform]


@cache
def catalog() -> dict[str, type[LeafService]]:
    """Return file name → the one `Service` of that file.

    Raises:
        TypeError: a file defines none or several.
    """
    found: dict[str, type[LeafService]] = {}
    for module_info in pkgutil.iter_modules(__path__):
        module = import_module(f"{__name__}.{module_info.name}")
        services = [
            item
            for item in vars(module).values()
            if isinstance(item, type) and issubclass(item, Service) and item.__module__ == module.__name__
        ]
        if len(services) != 1:
            msg = f"{module.__file__} must define exactly one Service, it defines {len(services)}"
            raise TypeError(msg)
        found[module_info.name] = services[0]
    return found
