"""What a statement does, in ECS's words, and whom it is about."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.normalise.steps import STEPS


def told(statement: object, command: object = None) -> dict[str, Any]:
    spec = STEPS["sql_statement"]
    made = dict(zip(spec.outputs, spec.function(statement, command), strict=True))
    return {name: value for name, value in made.items() if value is not None}


@pytest.mark.parametrize(
    ("statement", "command", "kind"),
    [
        ("SELECT 1", "SELECT", ["access"]),
        ("  (select 1) union (select 2)", "SELECT", ["access"]),
        ("-- why\n/* who */ update t set a = 1", "UPDATE", ["change"]),
        ("/*!40101 SET NAMES utf8 */", "SET", ["info"]),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "SELECT", ["access"]),
        ("WITH x AS (SELECT 1) DELETE FROM t", "DELETE", ["change"]),
        ("CREATE OR REPLACE FUNCTION f() RETURNS int", "CREATE FUNCTION", ["change"]),
        ("CREATE DEFINER=`root`@`localhost` PROCEDURE p() BEGIN END", "CREATE PROCEDURE", ["change"]),
        ("create unique index concurrently i on t (a)", "CREATE INDEX", ["change"]),
        ("DROP MATERIALIZED VIEW v", "DROP MATERIALIZED VIEW", ["change"]),
        ("CREATE USER MAPPING FOR bob SERVER s", "CREATE USER MAPPING", ["change"]),
        ("CREATE DATABASE LINK l", "CREATE DATABASE LINK", ["change"]),
        ("COPY t TO STDOUT", "COPY", ["access"]),
        ("COPY t FROM PROGRAM 'id'", "COPY", ["change"]),
        ("TRUNCATE TABLE t", "TRUNCATE", ["change"]),
        ("DESC t", "DESCRIBE", ["access"]),
        ("VACUUM", "VACUUM", ["info"]),
        ("BEGIN", "BEGIN", ["info"]),
    ],
)
def test_the_command_and_its_type(statement: str, command: str, kind: list[str]) -> None:
    assert told(statement) == {"command": command, "category": ["database"], "type": kind}


@pytest.mark.parametrize(
    ("statement", "command", "kind", "about"),
    [
        ("CREATE USER 'bob'@'%' IDENTIFIED BY 'x'", "CREATE USER", ["user", "creation"], "bob"),
        ("CREATE USER IF NOT EXISTS `web app`", "CREATE USER", ["user", "creation"], "web app"),
        ('ALTER ROLE "web app" SUPERUSER', "ALTER ROLE", ["user", "change"], "web app"),
        ("DROP LOGIN [CORP\\bob]", "DROP LOGIN", ["user", "deletion"], "CORP\\bob"),
        ("CREATE SERVER ROLE auditors", "CREATE SERVER ROLE", ["group", "creation"], "auditors"),
        ("GRANT ALL PRIVILEGES ON shop.* TO 'bob'@'%'", "GRANT", ["user", "change"], "bob"),
        ("REVOKE rds_superuser FROM bob", "REVOKE", ["user", "change"], "bob"),
        ("SET PASSWORD FOR 'bob'@'%' = 'x'", "SET PASSWORD", ["user", "change"], "bob"),
        (
            "ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT ALL ON TABLES TO bob",
            "ALTER DEFAULT PRIVILEGES",
            ["admin", "change"],
            None,
        ),
    ],
)
def test_changes_of_users_and_rights(statement: str, command: str, kind: list[str], about: str | None) -> None:
    found = told(statement)
    assert (found["command"], found["category"], found["type"]) == (command, ["database", "iam"], kind)
    assert found.get("user") == about


@pytest.mark.parametrize(
    ("statement", "command"),
    [("SET GLOBAL general_log = OFF", "SET GLOBAL"), ("ALTER SYSTEM SET log_statement = 'none'", "ALTER SYSTEM"),
     ("NOAUDIT ALL", "NOAUDIT"), ("EXEC sp_configure 'xp_cmdshell', 1", "EXEC"), ("KILL 7", "KILL")],
)  # fmt: skip
def test_changes_of_the_server(statement: str, command: str) -> None:
    found = told(statement)
    assert (found["command"], found["category"], found["type"]) == (command, ["database", "configuration"], ["change"])


def test_the_routine_that_is_called_counts() -> None:
    assert told("EXEC master.dbo.xp_cmdshell 'dir'")["routine"] == "xp_cmdshell"
    assert told("EXECUTE [dbo].[sp_addsrvrolemember] 'bob', 'sysadmin'")["category"] == ["database", "iam"]
    assert told("CALL mysql.rds_kill(7)")["routine"] == "rds_kill"


def test_what_the_log_calls_it_goes_before_what_the_text_says() -> None:
    assert told("whatever", "alter role")["type"] == ["user", "change"]
    assert told(None, "SELECT")["command"] == "SELECT"


@pytest.mark.parametrize("statement", [None, "", "   ", "'quoted'", 7, "/* never closed", "\ufeff;;", "once upon a time"])
def test_what_is_no_statement_is_nothing(statement: object) -> None:
    assert told(statement) == {}


@given(st.text(max_size=60), st.sampled_from(["CREATE ", "GRANT ", "EXEC ", "SET ", "WITH ", ""]))
def test_every_pair_of_category_and_type_is_one_that_ecs_allows(text: str, start: str) -> None:
    found = told(start + text)
    allowed = {
        "database": {"access", "change", "info", "error"},
        "iam": {"admin", "change", "creation", "deletion", "group", "info", "user"},
        "configuration": {"access", "change", "creation", "deletion", "info"},
    }
    if found:
        assert set(found["type"]) <= set().union(*(allowed[each] for each in found["category"]))
