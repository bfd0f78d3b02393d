"""Reading SQL: which command a statement is, what it does in ECS's words, whom it makes, changes or drops."""

from __future__ import annotations

import re
from itertools import islice

from service.normalise.fitting import names
from service.normalise.steps.spec import StepSpec

HEAD = 400
"""Characters of a statement that are looked at."""
_AHEAD = re.compile(r"(?:[\s;(]|/\*!\d{0,6}|/\*.*?\*/|--[^\n]*\n|#[^\n]*\n|\ufeff)*+", re.DOTALL)
_WORDS = re.compile(r"[A-Za-z_][A-Za-z0-9_$#]*|'(?:[^'\\]|\\.|'')*'?|\"[^\"]*\"?|`[^`]*`?|\[[^\]]*\]?", re.DOTALL)
_OBJECTS = frozenset(
    names(
        "TABLE VIEW INDEX USER ROLE LOGIN DATABASE SCHEMA FUNCTION PROCEDURE TRIGGER EVENT SEQUENCE TYPE EXTENSION"
        " SERVER POLICY PUBLICATION SUBSCRIPTION TABLESPACE GROUP PROFILE SYNONYM PACKAGE AGGREGATE CAST COLLATION"
        " CONVERSION DOMAIN OPERATOR RULE STATISTICS LANGUAGE SYSTEM SESSION CREDENTIAL CERTIFICATE ASSEMBLY ENDPOINT"
        " AUDIT AUTHORIZATION KEY LIBRARY DIRECTORY CONTEXT JOB INSTANCE QUEUE PARTITION RESOURCE SPFILE PFILE"
        " DIMENSION OUTLINE CLUSTER JAVA ACCESS LINK COLUMN PRIVILEGES"
    )
)
_PAIRS = {
    "USER": {"MAPPING"}, "SERVER": {"ROLE", "AUDIT"}, "EVENT": {"TRIGGER", "SESSION"}, "DATABASE": {"LINK", "AUDIT", "ROLE"},
    "AUDIT": {"POLICY", "SPECIFICATION"}, "RESOURCE": {"GROUP"}, "ACCESS": {"METHOD"}, "PACKAGE": {"BODY"}, "TYPE": {"BODY"},
}  # fmt: skip
_BEFORE = {"MATERIALIZED", "FOREIGN", "DEFAULT", "APPLICATION", "PLUGGABLE"}
"""Words in front of an object that make it another one."""
_DEFINE = {"CREATE": "creation", "ALTER": "change", "DROP": "deletion", "RENAME": "change"}
_PEOPLE = {
    "USER": "user", "LOGIN": "user", "ROLE": "user", "GROUP": "group", "SERVER ROLE": "group", "APPLICATION ROLE": "group",
    "DATABASE ROLE": "group", "PROFILE": "admin", "DEFAULT PRIVILEGES": "admin", "CREDENTIAL": "admin",
}  # fmt: skip
_RIGHTS = frozenset({"GRANT", "REVOKE", "DENY", "SET PASSWORD", "SET DEFAULT", "REASSIGN OWNED", "DROP OWNED"})
_READS = frozenset(names("SELECT TABLE VALUES WITH FETCH SHOW DESCRIBE DESC EXPLAIN HANDLER UNLOAD DECLARE USE"))
_WRITES = frozenset(
    names("INSERT UPDATE DELETE MERGE REPLACE TRUNCATE UPSERT LOAD IMPORT COMMENT REFRESH REINDEX SECURITY LOCK PURGE FLASHBACK")
)
_OTHERS = frozenset(
    names(
        "BEGIN COMMIT ROLLBACK SAVEPOINT RELEASE START SET CALL EXEC EXECUTE DO PREPARE DEALLOCATE ANALYZE ANALYSE"
        " VACUUM CHECKPOINT DISCARD LISTEN NOTIFY UNLISTEN MOVE CLOSE OPEN CLUSTER OPTIMIZE REPAIR CHECK CHECKSUM"
        " CACHE HELP BINLOG XA END ABORT COPY UNLOCK PRINT RAISERROR WAITFOR BACKUP RESTORE DBCC IF WHILE GRANT REVOKE"
        " DENY REASSIGN REVERT CREATE ALTER DROP RENAME NOAUDIT ASSOCIATE DISASSOCIATE BULK OPENQUERY SIGNAL RESIGNAL"
        " GET RESET CONNECT DISCONNECT"
    )
)
_SETTINGS = frozenset(
    [
        *names("SHUTDOWN AUDIT NOAUDIT RECONFIGURE INSTALL UNINSTALL FLUSH KILL CHANGE RESET STOP ADMINISTER"),
        *("ALTER SYSTEM", "ALTER DATABASE", "ALTER SESSION", "SET GLOBAL", "SET PERSIST", "SET PERSIST_ONLY"),
        *(
            f"{verb} {what}"
            for verb in ("CREATE", "ALTER", "DROP")
            for what in ("AUDIT", "AUDIT POLICY", "AUDIT SPECIFICATION", "SERVER AUDIT", "DATABASE AUDIT", "EXTENSION")
        ),
    ]
)
_SETS = frozenset({"PASSWORD", "GLOBAL", "PERSIST", "PERSIST_ONLY", "ROLE", "DEFAULT", "SESSION"})
_DATA_CHANGE = re.compile(r"\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO)\b", re.IGNORECASE)
_NAME = r"(?:'([^'\\]{1,128})|\"([^\"]{1,128})\"|\[([^\]]{1,128})\]|`([^`]{1,128})`|([\w$#.\\-]{1,128}))"
_DEFINED = re.compile(r"\b(?:USER|LOGIN|ROLE|GROUP)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?!MAPPING\b)" + _NAME, re.IGNORECASE)
_GRANTEE = re.compile(r"\b(?:TO|FROM)\s+(?:USER\s+|ROLE\s+|GROUP\s+)?" + _NAME, re.IGNORECASE)
_FOR = re.compile(r"\bFOR\s+" + _NAME, re.IGNORECASE)
_ROUTINE = re.compile(r"(?:EXEC|EXECUTE|CALL)\s+(?:@\w+\s*=\s*)?(?:[\w\[\]]+\.){0,3}\[?(\w{1,128})", re.IGNORECASE)
_PEOPLE_ROUTINES = frozenset(
    names(
        "sp_addlogin sp_droplogin sp_grantlogin sp_revokelogin sp_denylogin sp_adduser sp_dropuser sp_grantdbaccess"
        " sp_revokedbaccess sp_addrole sp_droprole sp_addrolemember sp_droprolemember sp_addsrvrolemember"
        " sp_dropsrvrolemember sp_password sp_change_users_login sp_addlinkedsrvlogin sp_addapprole sp_dropapprole"
    )
)
_SETTING_ROUTINES = frozenset(
    names("sp_configure sp_addlinkedserver sp_dropserver sp_oacreate xp_cmdshell xp_regwrite sp_procoption")
)

Told = tuple[str | None, list[str] | None, list[str] | None, str | None, str | None]
_NOTHING: Told = (None, None, None, None, None)
_EVERYDAY: dict[str, Told] = {
    "SELECT": ("SELECT", ["database"], ["access"], None, None),
    **{verb: (verb, ["database"], ["change"], None, None) for verb in ("INSERT", "UPDATE", "DELETE")},
    **{verb: (verb, ["database"], ["info"], None, None) for verb in ("BEGIN", "COMMIT", "ROLLBACK")},
}
"""What nearly all statements are, known by their first word."""


def sql_statement(statement: object, command: object = None) -> Told:
    """Command (``CREATE USER``), ECS category and type, the user or role it is about, and the routine it calls.

    ``command`` is what the log itself calls it, and goes before what the text says.
    """
    text = statement[:HEAD] if isinstance(statement, str) else ""
    said = command.strip().upper()[:60] if isinstance(command, str) else ""
    if (everyday := _EVERYDAY.get(said or text.partition(" ")[0].upper())) is not None:
        return everyday
    ahead = _AHEAD.match(text)
    rest = text[ahead.end() :] if ahead is not None else text
    verb = said or _command(rest)
    if not verb:
        return _NOTHING
    routine = _ROUTINE.match(rest) if verb in ("EXEC", "CALL") else None
    called = routine[1] if routine is not None else None
    category, kind = _class(verb, rest, called.lower() if called else "")
    about = _about(verb, rest) if "iam" in category else None
    return verb, category, kind, about, called


def _command(text: str) -> str:
    if not text[:1].isalpha():
        return ""
    words = [word[0].upper() for word in islice(_WORDS.finditer(text), 12)]
    if not words:
        return ""
    verb = words[0]
    if verb in ("CREATE", "ALTER", "DROP", "RENAME", "COMMENT"):
        for at, word in enumerate(words[1:], 1):
            if word in _OBJECTS:
                follower = words[at + 1] if at + 1 < len(words) else ""
                if words[at - 1] in _BEFORE:
                    word = f"{words[at - 1]} {word}"
                return f"{verb} {word} {follower}" if follower in _PAIRS.get(word, ()) else f"{verb} {word}"
    following = words[1] if len(words) > 1 else ""
    if verb not in _OTHERS and verb not in _READS and verb not in _WRITES and verb not in _SETTINGS:
        return ""
    if (verb == "SET" and following in _SETS) or f"{verb} {following}" in _RIGHTS:
        return f"{verb} {following}"
    if verb == "WITH" and (change := _DATA_CHANGE.search(text)) is not None:
        return change[1].split()[0].upper()
    return "SELECT" if verb == "WITH" else {"DESC": "DESCRIBE", "EXECUTE": "EXEC"}.get(verb, verb)


def _class(command: str, text: str, routine: str) -> tuple[list[str], list[str]]:
    verb, _, what = command.partition(" ")
    if verb in _DEFINE and what in _PEOPLE:
        return ["database", "iam"], [_PEOPLE[what], _DEFINE[verb]]
    if command in _RIGHTS or verb in ("GRANT", "REVOKE", "DENY") or routine in _PEOPLE_ROUTINES:
        return ["database", "iam"], ["user", "change"]
    if command in _SETTINGS or routine in _SETTING_ROUTINES:
        return ["database", "configuration"], ["change"]
    if verb == "COPY":
        return ["database"], ["change" if re.search(r"\bFROM\b", text, re.IGNORECASE) else "access"]
    if verb in _READS:
        return ["database"], ["access"]
    if verb in _DEFINE or verb in _WRITES:
        return ["database"], ["change"]
    return ["database"], ["info"]


def _about(command: str, text: str) -> str | None:
    if command.startswith(("GRANT", "REVOKE", "DENY")):
        found = _GRANTEE.search(text)
    elif command == "SET PASSWORD":
        found = _FOR.search(text)
    else:
        found = _DEFINED.search(text)
    return next((name for name in found.groups() if name), None) if found is not None else None


STEPS: dict[str, StepSpec] = {
    "sql_statement": StepSpec(
        sql_statement,
        ("statement", "command"),
        {"command": "str", "category": "list", "type": "list", "user": "str", "routine": "str"},
        cuts=True,
    ),
}
