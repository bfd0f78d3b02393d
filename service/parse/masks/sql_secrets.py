"""Passwords and keys inside SQL, whatever the engine: the literal goes, the statement around it stays.

Hidden are literals behind IDENTIFIED BY and its kin, behind names like password and secret, arguments of routines that
take passwords, ``password=…`` of connection strings, passwords in URLs. Quotes may be escaped as logs escape them: doubled,
behind a backslash, as entities of XML. In doubt too much is hidden; a literal without an end reaches to the end of the text.
What is plain data (``INSERT … VALUES``) or a parameter cannot be told from other data and stays.
"""

from __future__ import annotations

import re
from typing import Any, Final

import re2

HIDDEN: Final = b"[hidden]"
MOST = 200
"""Keys of one text that are looked behind; everything behind the last one is hidden."""
ARGUMENTS = 16
"""Literals of one call, and passwords of one list, that are hidden one by one."""

_WORDS = (
    "pass", "identified", "://", "secret", "token", "crypt", "_key", "pwd", "apikey", "sp_", "rds_set_ext", "rowset",
    "_credential",
)  # fmt: skip
"""Without one of them in lower case there is nothing to hide."""
_NAME = (
    rb"[\w@$#]*(?:password|passwd|pwd|passphrase|secret|(?:secret|private|secret_access|account|api)_?key"
    rb"|(?:session|access|auth|security)_?token)\b"
)
_ROUTINE = (
    rb"\b(?:sp_(?:addlogin|password|addlinkedsrvlogin|addapprole|approlepassword|setapprole)|rds_set_external_(?:master|source)\w*"
    rb"|create_aws_credentials|create_credential|openrowset|crypt|pgp_sym_(?:en|de)crypt(?:_bytea)?"
    rb"|(?:en|de)cryptbypassphrase|(?:aes|des)_(?:en|de)crypt)\b"
)


def _insensitive(pattern: bytes) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = False
    return re2.compile(pattern, options=options)


_KEY = _insensitive(
    rb"(\bidentified\s+(?:(?:with|via)\s+[\w'\"`$\\]+\s+)?by\s+(?:(?:old_)?password\s*\(?\s*|values\s+)?"
    rb"|temporary\s+password\s+is\s+generated\s+for\s+\S+:\s+|" + _NAME + rb"=)"
    rb"|(\bidentified\s+(?:(?:with|via)\s+[\w'\"`$\\]+\s+)?(?:as|using)\s+(?:(?:old_)?password\s*\(\s*)?"
    rb"|\bpassword\s+for\s+[^=;]{1,300}=\s*(?:(?:old_)?password\s*\(\s*)?"
    rb"|" + _NAME + rb"(?:\\?[\"'`\]]|&quot;)?\s*(?:=>|:=|[=:(,])?\s*)"
    rb"|(" + _ROUTINE + rb")"
    rb"|(://[^\s:/@'\"\\]{0,100}:)"
)
_KINDS = ("word", "literal", "routine", "url")
"""Groups of ``_KEY`` in order: what may stand behind it."""
_LITERAL = re.compile(
    rb"(?:[nebx]|u&|_utf8(?:mb[34])?)?(?:"
    rb"\\'(?:[^\\']|\\'\\'|\\\\+'?|\\[^'\\])*+(?:\\'|(?=')|\Z)"
    rb'|\\"(?:[^\\"]|\\"\\"|\\\\+"?|\\[^"\\])*+(?:\\"|(?=")|\Z)'
    rb"|''[^']+(?:''''[^']*)*+(?:''|\Z)"
    rb'|""[^"]+(?:""""[^"]*)*+(?:""|\Z)'
    rb"|'(?:[^'\\]|\\+'?|'')*+(?:'|\Z)"
    rb'|"(?:[^"\\]|\\+"?|"")*+(?:"|\Z)'
    rb"|(?P<tag>\$\w{0,60}\$).*?(?:(?P=tag)|\Z)"
    rb"|(?P<entity>&(?:apos|quot|#39|#34);).*?(?:(?P=entity)|\Z)"
    rb"|0x[0-9a-f]+)",
    re.IGNORECASE | re.DOTALL,
)
_QUOTE = re.compile(
    rb"((?:[nebx]|u&|_utf8(?:mb[34])?)?)(\\['\"]|''(?!\Z|[\s;,)])|\"\"(?!\Z|[\s;,)])|['\"]|\$\w{0,60}\$|&(?:apos|quot|#39|#34);)",
    re.IGNORECASE,
)
_WORD = re.compile(rb"[^\s;,'\"()&\\<>?:@$=][^\s;,'\"()&\\<>]*")
_PASSWORD_OF_URL = re.compile(rb"[^\s/@'\"\\]{1,400}(?=@)")
_FURTHER = re.compile(rb"(\s+replace\s+)|\s*,\s*(?=[^\s,;]+\s*(?:[,;]|\Z))", re.IGNORECASE)
_ARGUMENT = re.compile(rb"(?:[^'\";)\\&$]|;(?=\s*n?'))*+", re.IGNORECASE)


def sql_secrets(text: str) -> str:
    """Passwords and keys in statements of any engine: the literal becomes ``[hidden]``, its quotes and the statement stay."""
    lowered = text.lower()
    for word in _WORDS:
        if word in lowered:
            break
    else:
        return text
    data = text.encode("utf-8", "surrogatepass")
    made = _Scan(data).run()
    return text if made is None else made.decode("utf-8", "surrogatepass")


def without_secrets(data: bytes) -> bytes:
    """The same for bytes of whatever kind; what is no statement stays as it is."""
    return _Scan(data).run() or data


class _Scan:
    """One text, from left to right."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.pieces: list[bytes] = []
        self.kept = 0
        """Up to where the text is settled."""

    def run(self) -> bytes | None:
        """The masked text; None when nothing was hidden."""
        at = 0
        for _ in range(MOST):
            key = _KEY.search(self.data, at)
            if key is None:
                break
            kind = next(name for number, name in enumerate(_KINDS, 1) if key[number] is not None)
            at = self._behind(kind, key.end())
        else:
            self._hide(at, len(self.data), b"", b"")
        if not self.pieces:
            return None
        return b"".join([*self.pieces, self.data[self.kept :]])

    def _behind(self, kind: str, at: int) -> int:
        """Hide what stands behind a key; where to go on."""
        match kind:
            case "url":
                found = _PASSWORD_OF_URL.match(self.data, at)
                return at if found is None else self._hide(at, found.end(), b"", b"")
            case "routine":
                return self._arguments(at)
            case _:
                return self._passwords(at, words=kind == "word")

    def _arguments(self, at: int) -> int:
        """Every literal up to the end of the call."""
        for _ in range(ARGUMENTS):
            between = _ARGUMENT.match(self.data, at)
            start = at if between is None else between.end()
            at = self._literal(start)
            if at == start:
                break
        return at

    def _passwords(self, at: int, *, words: bool) -> int:
        """A literal, or a word where it may be one, and what REPLACE and commas put behind it."""
        for _ in range(ARGUMENTS):
            end = self._literal(at)
            if end == at and words and (found := _WORD.match(self.data, at)) is not None:
                end = self._hide(at, found.end(), b"", b"")
            further = _FURTHER.match(self.data, end) if end > at else None
            if further is None or not (words or further[1]):
                return end
            at = further.end()
        return at

    def _literal(self, at: int) -> int:
        found = _LITERAL.match(self.data, at)
        if found is None:
            return at
        value = found[0]
        quote = _QUOTE.match(value)
        if quote is None:
            return self._hide(at, found.end(), b"", b"")
        closed = value.endswith(quote[2]) and len(value) >= quote.end() + len(quote[2])
        if closed and len(value) == quote.end() + len(quote[2]):
            return found.end()  # an empty password hides nothing, and is worth knowing
        return self._hide(at, found.end(), quote[0], quote[2] if closed else b"")

    def _hide(self, start: int, end: int, opening: bytes, closing: bytes) -> int:
        self.pieces += (self.data[self.kept : start], opening, HIDDEN, closing)
        self.kept = end
        return end
