"""Errors of the Kinesis API, raised anywhere in the double and rendered by the transport."""

from __future__ import annotations


class Refusal(Exception):
    """A request that Kinesis answers with an error: ``code`` as in ``__type``, ``status`` of the HTTP response."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code = code
        self.message = message
        self.status = status
        super().__init__(f"{code}: {message}")


def not_found(what: str) -> Refusal:
    """ResourceNotFoundException about ``what``."""
    return Refusal("ResourceNotFoundException", f"{what} under account not found.")


def invalid(message: str) -> Refusal:
    """InvalidArgumentException: the values contradict each other or the stream."""
    return Refusal("InvalidArgumentException", message)


def malformed(message: str) -> Refusal:
    """ValidationException: the request does not fit the API's own constraints."""
    return Refusal("ValidationException", message)


def in_use(message: str) -> Refusal:
    """ResourceInUseException: the resource exists already, or is not in a state that allows this."""
    return Refusal("ResourceInUseException", message)


def throttled(message: str) -> Refusal:
    """ProvisionedThroughputExceededException."""
    return Refusal("ProvisionedThroughputExceededException", message)
