"""API Gateway's logs: access logs in whatever format an operator chose, execution logs of REST and WebSocket APIs.

An access log in JSON has the keys its author liked: ``ip``, ``sourceIp``, ``identity.sourceIp`` … Here they get the name of
the ``$context`` variable again, without the dots.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from service.errors import EventError
from service.normalise.fitting import names
from service.parse.json_event import read_json

_VARIABLES = names(
    "accountId apiId apiKey apiKeyId authenticateError authenticateLatency authenticateStatus authorizeError authorizeLatency "
    "authorizeStatus authorizerError authorizerIntegrationLatency authorizerIntegrationStatus authorizerLatency "
    "authorizerPrincipalId authorizerRequestId authorizerStatus awsEndpointRequestId awsEndpointRequestId2 caller "
    "callerAccountId cipherSuite clientCertIssuerDN clientCertSerialNumber clientCertSubjectDN cognitoAuthenticationProvider "
    "cognitoAuthenticationType cognitoIdentityId cognitoIdentityPoolId connectedAt connectionId customDomainBasePathMatched "
    "dataProcessed deploymentId domainName domainPrefix endpointType errorMessage errorResponseType eventType "
    "extendedRequestId httpMethod integrationError integrationLatency integrationRequestId integrationStatus isCanaryRequest "
    "messageDirection messageId path principalOrgId protocol requestId requestTime requestTimeEpoch resourceId resourcePath "
    "responseLatency responseLength responseTransferMode routeKey sourceIp stage status tlsVersion user userAgent userArn "
    "validationError vpcId vpceId wafError wafLatency wafResponseCode wafStatus webaclArn xrayTraceId",
)
_OTHER = {
    "ip": "sourceIp", "ipaddress": "sourceIp", "clientip": "sourceIp", "remoteaddr": "sourceIp", "method": "httpMethod",
    "route": "routeKey", "resource": "resourcePath", "statuscode": "status", "responsestatus": "status",
    "errormessagestring": "errorMessage", "errorvalidationerrorstring": "validationError",
    "integrationerrormessage": "integrationError", "integrationintegrationstatus": "integrationStatus",
    "identityaccountid": "callerAccountId", "latency": "responseLatency", "domain": "domainName", "host": "domainName",
    "time": "requestTime", "principalid": "authorizerPrincipalId", "responseoverridestatus": "status",
    "traceid": "xrayTraceId", "stagename": "stage",
}  # fmt: skip
_CANONICAL = {**{variable.lower(): variable for variable in _VARIABLES}, **_OTHER}
_PREFIXES = ("requestcontext", "context", "identity")
_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]")
_ELEMENT = re.compile(r"<([A-Za-z]\w{0,63})>([^<]*)</")
_ROOT = re.compile(r"\s*<\w{1,40}(?:\s{1,9}id=\"([^\"]{0,300})\")?\s{0,9}>")
_CLF = re.compile(r"(\S{1,100}) (\S{1,300}) (\S{1,300}) \[([^\]]{1,60})\] \"([^\"]*)\" ([^\"]{1,1000})")
_CLF_TIME = re.compile(r"\d{2}/[A-Za-z]{3}/\d{4}:\d\d:\d\d:\d\d")
_WEBSOCKET = ("CONNECT", "MESSAGE", "DISCONNECT")
_REST_COLUMNS = names(
    "sourceIp caller user requestTime httpMethod resourcePath protocol status responseLength requestId extendedRequestId"
)
_HTTP_COLUMNS = names("sourceIp requestTime httpMethod routeKey protocol status responseLength requestId")
_WEBSOCKET_COLUMNS = names("sourceIp caller user requestTime eventType routeKey status connectionId requestId")
_EXECUTION = re.compile(r"\(([0-9A-Za-z_=+/-]{1,100})\) (.*)", re.DOTALL)
_HEADERS = re.compile(r"(Method request|Method response|Endpoint request|Endpoint response) headers: \{(.*)\}", re.DOTALL)
_HEADER = re.compile(r"(?:^|, )([A-Za-z][A-Za-z0-9-]{0,60})=")
_DEEPEST = 2
"""Objects inside objects in which variables are looked for."""
_MOST = 200
"""Keys, elements or headers that are looked at."""


def api_gateway(text: str) -> dict[str, Any]:
    """The variables of a line in JSON, XML, CLF or CSV; of an execution log ``executed`` (its request) and ``said``.

    Of other text there is nothing.
    ``headers`` are those of an execution log's line, by name and value. Raises EventError ``empty`` for blanks.
    """
    text = text.strip()
    if not text:
        raise EventError("parse", "empty", "there is nothing but blanks")
    if text[0] == "{":
        entry, _ = read_json(text)
        return _variables(entry)
    if text[0] == "<":
        root = _ROOT.match(text)
        found = {key: unescape(value.strip()) for key, value in _ELEMENT.findall(text)[:_MOST]}
        if root is None or not found:
            raise EventError("parse", "not_xml", "the text begins like XML and holds no element")
        return _variables({**({"requestId": unescape(root[1])} if root[1] else {}), **found})
    execution = _EXECUTION.fullmatch(text) if text[0] == "(" else None
    if execution is None:
        return _variables(_of_clf(text) or _of_csv(text))
    request, said = execution.groups()
    line: dict[str, Any] = {"executed": request, "said": said}
    headers = _HEADERS.fullmatch(said)
    if headers is not None:
        line["headers_of"] = headers[1]
        line["headers"] = _pairs(headers[2])
    return line


def _of_clf(text: str) -> dict[str, Any]:
    line = _CLF.fullmatch(text)
    if line is None:
        return {}
    source, caller, user, time, request, rest = line.groups()
    found: dict[str, Any] = {"sourceIp": source, "caller": caller, "user": user, "requestTime": time}
    words, ends = request.split(" "), rest.split()
    if words[0] in _WEBSOCKET or (len(ends) == 2 and not ends[0].isalpha()):
        found |= {"eventType": words[0], "routeKey": " ".join(words[1:-1]), "connectionId": words[-1]}
        ends.insert(1, "-")
    else:
        path = " ".join(words[1:-1])
        found |= {"httpMethod": words[0], "protocol": words[-1], "resourcePath" if path[:1] == "/" else "routeKey": path}
    return found | dict(zip(("status", "responseLength", "requestId", "extendedRequestId"), ends, strict=False))


def _of_csv(text: str) -> dict[str, Any]:
    values = text.split(",", _MOST)
    if len(values) < len(_HTTP_COLUMNS) or not any(_CLF_TIME.match(value) for value in values[1:4]):
        return {}
    if _CLF_TIME.match(values[1]):
        columns = _HTTP_COLUMNS
    else:
        columns = _WEBSOCKET_COLUMNS if len(values) == len(_WEBSOCKET_COLUMNS) else _REST_COLUMNS
    return dict(zip(columns, values, strict=False)) | ({"columns": values[len(columns) :]} if len(values) > len(columns) else {})


def _pairs(text: str) -> list[dict[str, str]]:
    begins = list(_HEADER.finditer(text))[:_MOST]
    ends = [*(following.start() for following in begins[1:]), len(text)]
    return [{"name": begin[1], "value": text[begin.end() : end]} for begin, end in zip(begins, ends, strict=False)]


def _variables(entry: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    _collect(entry, "", found, rest, 0)
    return {**rest, **found}


def _collect(entry: dict[str, Any], above: str, found: dict[str, Any], rest: dict[str, Any], depth: int) -> None:
    for key, value in entry.items():
        if value in ("-", "", None):
            continue
        path = above + _NOT_ALPHANUMERIC.sub("", key.lower()[:200])
        if isinstance(value, dict) and depth < _DEEPEST:
            inner: dict[str, Any] = {}
            _collect(value, path, found, inner, depth + 1)
            if inner:
                rest[key] = inner
            continue
        variable = None if isinstance(value, dict | list) else _variable(path)
        if variable is None:
            rest[key] = value
        else:
            found.setdefault(variable, value)


def _variable(path: str) -> str | None:
    variable = _CANONICAL.get(path)
    if variable is None:
        for prefix in _PREFIXES:
            path = path.removeprefix(prefix)
        variable = _CANONICAL.get(path)
    return variable
