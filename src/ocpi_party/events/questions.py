"""What the operator's system is asked, and has to answer while a partner waits."""

from enum import StrEnum


class Question(StrEnum):
    AUTHORIZATION = "authorization"
    COMMAND = "command"


class NoAnswer(Exception):
    """The operator's system did not answer a question in time, or not in a way that could be meant."""
