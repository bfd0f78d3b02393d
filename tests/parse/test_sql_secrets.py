"""Passwords in SQL: none is kept, and the statement around it is."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.parse.masks import MASKS
from service.parse.masks.sql_secrets import sql_secrets
from tests.pace import least_seconds

SECRET = "hunter2"

STATEMENTS = [
    # MySQL, MariaDB
    "CREATE USER 'bob'@'%' IDENTIFIED BY 'hunter2' REQUIRE SSL",
    "CREATE USER a IDENTIFIED WITH mysql_native_password BY 'hunter2', b IDENTIFIED BY 'hunter2hunter2'",
    "CREATE USER a IDENTIFIED WITH 'caching_sha2_password' AS '$A$005$hunter2'",
    "CREATE USER a IDENTIFIED VIA mysql_native_password USING PASSWORD('hunter2')",
    "GRANT ALL ON *.* TO a IDENTIFIED BY PASSWORD '*hunter2'",
    "SET PASSWORD FOR 'bob'@'%' = PASSWORD('hunter2')",
    "SET PASSWORD = 'hunter2' REPLACE 'oldhunter2'",
    'SET PASSWORD = "hunter2"',
    "CHANGE MASTER TO MASTER_HOST='h', MASTER_PASSWORD='hunter2', MASTER_PORT=3306",
    "CALL mysql.rds_set_external_master ('h', 3306, 'u', 'hunter2', 'bin', 120, 0)",
    r"1700000000000000,h,u,h,1,2,QUERY,db,'CREATE USER \'bob\'@\'%\' IDENTIFIED BY \'hun\\\'hunter2\'',0",
    "[Note] A temporary password is generated for root@localhost: hunter2!",
    # PostgreSQL
    "ALTER ROLE bob WITH ENCRYPTED PASSWORD 'hunter2' VALID UNTIL 'infinity'",
    "ALTER ROLE bob PASSWORD $$hunter2$$; SELECT 1",
    "ALTER ROLE bob PASSWORD $a$hun$$hunter2$a$",
    r"ALTER ROLE bob PASSWORD E'hun\'hunter2'",
    "ALTER ROLE bob PASSWORD 'it''s hunter2'",
    "DO $x$ BEGIN EXECUTE 'ALTER USER bob PASSWORD ''hunter2'''; END $x$",
    "CREATE USER MAPPING FOR x SERVER y OPTIONS (user 'bob', password 'hunter2')",
    "CREATE SUBSCRIPTION s CONNECTION 'host=h user=u password=hunter2' PUBLICATION p",
    "SELECT dblink_connect('postgresql://bob:hunter2@db.example.com/x')",
    "UPDATE users SET password = crypt('hunter2', gen_salt('bf')) WHERE id = 3",
    "SELECT aws_commons.create_aws_credentials('AKIAEXAMPLE', 'hunter2', 'hunter2')",
    "COPY t FROM 's3://b' CREDENTIALS 'aws_access_key_id=AKIAEXAMPLE;aws_secret_access_key=hunter2'",
    "2026-01-01 00:00:00 UTC,\"u\",\"d\",1,\"SET PASSWORD = \"\"hunter2\"\" \",,",
    # SQL Server
    "CREATE LOGIN [bob] WITH PASSWORD = N'hunter2' MUST_CHANGE, CHECK_POLICY = ON",
    "ALTER LOGIN bob WITH PASSWORD = 'hunter2' OLD_PASSWORD = 'hunter2'",
    "EXEC sp_addlogin 'bob', 'hunter2'",
    "EXEC sp_addlinkedsrvlogin @rmtsrvname='x', @rmtuser='u', @rmtpassword='hunter2'",
    "SELECT * FROM OPENROWSET('SQLNCLI', 'srv';'sa';'hunter2', 'select 1')",
    "CREATE CREDENTIAL c WITH IDENTITY = 'x', SECRET = 'hunter2'",
    "Server=db;User Id=sa;Password=hunter2;Encrypt=yes",
    # Oracle
    "ALTER USER scott IDENTIFIED BY hunter2 REPLACE oldhunter2",
    'ALTER USER scott IDENTIFIED BY "hunter2" ACCOUNT UNLOCK',
    "GRANT CONNECT TO a, b IDENTIFIED BY hunter2, hunter2too",
    "CREATE USER x IDENTIFIED BY VALUES 'S:hunter2;T:AB'",
    "<Sql_Text>ALTER USER x IDENTIFIED BY &quot;hunter2&quot; ACCOUNT UNLOCK</Sql_Text>",
    "<Sql_Text>ALTER USER x PASSWORD &apos;hunter2&apos;</Sql_Text>",
    # cut off by the log
    "CREATE USER bob IDENTIFIED BY 'hunter2",
    r"QUERY,db,'CREATE USER bob IDENTIFIED BY \'hunter2',0",
    "ALTER ROLE bob PASSWORD $$hunter2",
]  # fmt: skip

INNOCENT = [
    "Access denied for user 'bob'@'192.0.2.1' (using password: YES)",
    "Login failed for user 'bob'. Reason: Password did not match that for the login provided. [CLIENT: 192.0.2.1]",
    'password authentication failed for user "bob"',
    "Unknown column 'password' in 'field list'",
    "SELECT id FROM users WHERE password=$1 AND name = 'x'",
    'parameter "password_encryption" changed to "md5"',
    "ALTER USER bob PASSWORD EXPIRE INTERVAL 90 DAY",
    "ALTER ROLE bob PASSWORD '' VALID UNTIL 'infinity'",
    "CREATE ROLE r IDENTIFIED EXTERNALLY",
    "SELECT 'https://example.com/a:b' FROM dual",
    "root@localhost is created with an empty password !",
]


@pytest.mark.parametrize("text", STATEMENTS)
def test_the_secret_is_hidden_and_hiding_again_changes_nothing(text: str) -> None:
    hidden = sql_secrets(text)
    assert SECRET not in hidden
    assert "[hidden]" in hidden
    assert sql_secrets(hidden) == hidden
    assert SECRET not in sql_secrets(text.lower())
    assert SECRET not in sql_secrets(text.replace(" ", "\n\t"))


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_speaks_of_passwords_stays(text: str) -> None:
    assert sql_secrets(text) == text


def test_the_statement_around_it_stays() -> None:
    assert sql_secrets("CREATE USER 'é'@'%' IDENTIFIED BY 'hunter2' REQUIRE SSL, b IDENTIFIED BY 'x'") == (
        "CREATE USER 'é'@'%' IDENTIFIED BY '[hidden]' REQUIRE SSL, b IDENTIFIED BY '[hidden]'"
    )
    line = r"1,h,u,h,1,2,QUERY,db,'SET PASSWORD FOR \'bob\' = \'hunter2\'',0"
    assert sql_secrets(line) == r"1,h,u,h,1,2,QUERY,db,'SET PASSWORD FOR \'bob\' = \'[hidden]\'',0"
    assert sql_secrets("CREATE LOGIN a WITH PASSWORD = 0x0200AB HASHED") == "CREATE LOGIN a WITH PASSWORD = [hidden] HASHED"


def test_of_too_many_secrets_everything_behind_the_last_is_hidden() -> None:
    assert SECRET not in sql_secrets("PASSWORD 'x'; " * 300 + SECRET)


@given(st.text(alphabet="passwordentifiby '\"\\$=;,()[]{}://@éA0\n", max_size=200) | st.text(max_size=100))
def test_any_text_is_taken_and_hiding_again_changes_nothing(text: str) -> None:
    for mask in MASKS.values():
        once = mask(text)
        assert mask(once) == once


@given(st.text(alphabet=st.characters(exclude_characters="'\\\"$&", exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_password_between_quotes_is_hidden(password: str) -> None:
    assert sql_secrets(f"ALTER ROLE bob PASSWORD '{password}' LOGIN") == "ALTER ROLE bob PASSWORD '[hidden]' LOGIN"
    assert sql_secrets(f'ALTER USER bob IDENTIFIED BY "{password}"') == 'ALTER USER bob IDENTIFIED BY "[hidden]"'


@pytest.mark.parametrize(
    "part",
    ["password ", "password='", "identified by x replace ", "identified by a,", "crypt('", "sp_addlogin 'a',", "'\\",
     "$a$ password $b$ ", "password &quot;", "://a:", "password for ", "\\\\\\'"],
)  # fmt: skip
def test_a_megabyte_takes_milliseconds(part: str) -> None:
    for text in (part * (1_000_000 // len(part)), "password '" + part * (1_000_000 // len(part))):
        assert least_seconds(partial(sql_secrets, text), tries=2) < 0.5
