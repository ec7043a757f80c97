"""What the operator's system is asked, and has to answer while a partner waits."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from ocpi_party.ocpi.types import JsonObject

A = TypeVar("A")


class Question(StrEnum):
    AUTHORIZATION = "authorization"
    COMMAND = "command"


class NoAnswer(Exception):
    """The operator's system did not answer a question in time, or not in a way that could be meant; says what happened."""


class Ask(Protocol):
    async def __call__(self, question: str, about: Mapping[str, Any], read: Callable[[JsonObject], A]) -> A | None:
        """Ask the operator's system, and give its answer; None, if no webhook answers such questions.

        question  authorization or command
        read      what the answer means; raises InvalidObject, if it means nothing
        Raises    NoAnswer
        """
