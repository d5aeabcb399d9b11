"""How a value is refused: pydantic's own error with a code, which hands a message on with the place of the value."""

from __future__ import annotations

from pydantic_core import PydanticCustomError

from components.messages import Message, message


def refusal(code: str, english: str, /, **values: object) -> PydanticCustomError:
    """Return the error of a value that cannot be used."""
    return refused(message(code, english, **values))


def refused(said: Message) -> PydanticCustomError:
    """Return the error that says `said`."""
    return PydanticCustomError(said.code, "{said}", {"said": said})
