"""HTTP status codes."""

from http import HTTPStatus

HTTP_STATUS: dict[str, str] = {str(status.value): status.phrase for status in HTTPStatus} | {
    "460": "Client Closed Connection",
    "463": "Too Many Forwarded Addresses",
    "464": "Incompatible Protocol",
    "499": "Client Closed Request",
    "561": "Unauthorized By Identity Provider",
}
"""Status → reason phrase; with those that AWS load balancers and nginx add."""
