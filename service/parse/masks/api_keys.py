"""Keys and tokens of callers in API Gateway's logs: values of ``apiKey`` and of headers that carry credentials."""

from __future__ import annotations

import re

_HIDDEN = "[hidden]"
_WORDS = ("key", "authorization", "cookie", "token")
"""Without one of them in lower case there is nothing to hide."""
_MEMBER = re.compile(
    r'("(?:[A-Za-z_$.]{0,40}api[_.]?key|authorization|x-api-key|(?:set-)?cookie|[A-Za-z_.-]{0,40}token)"\s{0,8}:\s{0,8}")(?:[^"\\]|\\.?)*',
    re.IGNORECASE | re.DOTALL,
)
_ELEMENT = re.compile(r"(<(?:api_?key|authorization|token)>)[^<]*", re.IGNORECASE)
_INSIDE = "SignedHeaders|Signature|Credential|username|realm|nonce|uri|response|qop|nc|cnonce|opaque|algorithm"
"""Parts of an authorization header that look like the next header."""
_HEADER = re.compile(
    r"(?<![A-Za-z0-9_-])((?:x-api-key|authorization|(?:set-)?cookie|[A-Za-z-]{0,40}token)=)(?!\[hidden\])"
    rf".*?(?=, (?!(?:{_INSIDE})=)[A-Za-z][A-Za-z0-9-]{{0,60}}=|\}}?\s{{0,9}}\Z)",
    re.IGNORECASE | re.DOTALL,
)


def api_keys(text: str) -> str:
    """API keys, tokens, cookies and authorization headers, in JSON, XML and the lists of headers of execution logs."""
    lowered = text.lower()
    if not any(word in lowered for word in _WORDS):
        return text
    begin = text.lstrip()[:1]
    if begin == "(":
        return _HEADER.sub(rf"\1{_HIDDEN}", text) if "headers" in lowered[:200] else text
    return _ELEMENT.sub(rf"\1{_HIDDEN}", text) if begin == "<" else _MEMBER.sub(rf"\1{_HIDDEN}", text)
