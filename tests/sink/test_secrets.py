"""Dead letters keep what is needed to repair and replay them, and nothing that gives access."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.event import DeadLetter
from service.sink.dead_letter import fit
from service.sink.letter import letter_document, letter_from_document
from service.sink.secrets import HIDDEN, masked

CANARY = "canary-7f3a9"


@pytest.mark.parametrize(
    "name",
    ["password", "masterUserPassword", "sessionToken", "session_token", "secretAccessKey", "SecretString", "clientSecret",
     "x-amz-security-token", "privateKey", "Authorization", "apiKey"],
)  # fmt: skip
def test_values_named_like_secrets_are_masked_and_json_stays_json(name: str) -> None:
    event = {"eventName": "X", "responseElements": {"a": {name: CANARY + '" \\ tail', "accessKeyId": "ASIAEXAMPLE"}}}
    plain = json.dumps(event).encode()
    wrapped = json.dumps({"logEvents": [{"message": json.dumps({name: CANARY, "b": 1})}]}).encode()
    for data in (plain, plain[:-3], wrapped, wrapped[:-2]):
        assert CANARY.encode() not in masked(data)
        assert b"tail" not in masked(data)
    found = json.loads(masked(plain))
    assert found["responseElements"]["a"] == {name: HIDDEN.decode(), "accessKeyId": "ASIAEXAMPLE"}
    assert json.loads(json.loads(masked(wrapped))["logEvents"][0]["message"]) == {name: HIDDEN.decode(), "b": 1}


@pytest.mark.parametrize(
    "data",
    [
        b"2026-01-14 09:15:00 LOG:  statement: ALTER ROLE bob PASSWORD 'canary-7f3a9' LOGIN",
        json.dumps({"logEvents": [{"message": f"CREATE USER bob IDENTIFIED BY '{CANARY}'"}]}).encode(),
        f'{{"statement": "ALTER LOGIN bob WITH PASSWORD = \'{CANARY}'.encode(),
        b"\xff\xfe IDENTIFIED BY canary-7f3a9",
    ],
)
def test_passwords_in_statements_are_masked_too(data: bytes) -> None:
    assert CANARY.encode() not in masked(data)
    assert masked(masked(data)) == masked(data)


@given(st.binary(max_size=300))
def test_other_bytes_stay_as_they_are(data: bytes) -> None:
    assert masked(data) == data or b":" in data


def test_a_hostile_letter_costs_little() -> None:
    for data in (b'"password"' * 100_000, b'"a' * 500_000, b'\\"secretkey\\":\\"' * 60_000, b'"password":"' + b"\\" * 999_999):
        began = time.process_time()
        masked(data)
        assert time.process_time() - began < 5.0


def test_a_letter_is_masked_before_it_is_sent_and_stays_readable() -> None:
    data = json.dumps({"sessionToken": CANARY}).encode()
    letter = DeadLetter(
        project="shop", environment="prod", stream="s", shard="x", sequence="1", subsequence=0, index=0, arrival_ms=1,
        stage="sink", code="c", reason=f'failed to parse "password":"{CANARY}"', data=data,
    )  # fmt: skip
    document = letter_document(fit(letter, 1000), 1)
    assert CANARY not in json.dumps(document)
    assert letter_from_document(document).data == masked(data)
