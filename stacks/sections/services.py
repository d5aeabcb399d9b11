"""`photos:services`: the services to run, each with the configuration that its own file describes."""

from __future__ import annotations

from typing import Any

from pydantic import Field, create_model, model_validator

from components.fields import Section
from components.ports import host_ports
from components.refusals import refusal
from components.services import SERVICES
from components.services.drive import alist_refused


class _Services(Section):
    @model_validator(mode="before")
    @classmethod
    def _not_alist(cls, values: Any) -> Any:
        if isinstance(values, dict) and ("alist" in values or values.get("drive") == "alist"):
            raise alist_refused()
        return values

    @model_validator(mode="after")
    def _ports_apart(self) -> _Services:
        taken: dict[int, str] = {}
        for name in type(self).model_fields:
            service = getattr(self, name)
            for port in host_ports(service) if service else ():
                place = f"{name}.{port.field}"
                if port.number in taken:
                    raise refusal(
                        "port_taken_by_service",
                        "{place}: port {number} is used by {other} already. Choose another",
                        place=place,
                        number=port.number,
                        other=taken[port.number],
                    )
                taken[port.number] = place
        return self


# One optional section per service in SERVICES: a new one needs no line here.
ServicesConfig = create_model(
    "ServicesConfig",
    __base__=_Services,
    __doc__="The services to run; a service without a section does not exist.",
    **{  # type: ignore[call-overload]
        service.service: (service.Config | None, Field(None, description=(service.Config.__doc__ or "").strip()))
        for service in SERVICES
    },
)
