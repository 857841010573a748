"""Which URLs a Redis may have, and that none of them shows its password."""

from __future__ import annotations

import pytest

from core.errors import BadInput
from hotline.configuration import BadSettings, load
from web.redis_url import check_redis_url, place_of_redis


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://127.0.0.1", "redis://127.0.0.1"),
        ("redis://:secret@redis.bank.example:6380/2?x=secret", "redis://redis.bank.example:6380/2"),
        ("rediss://user:secret@redis.bank.example", "rediss://redis.bank.example"),
        ("unix:///run/redis/redis.sock?db=1", "unix:///run/redis/redis.sock"),
        ("unix://:secret@/run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_these_can_be_used_and_are_named_without_their_password(url: str, place: str) -> None:
    check_redis_url(url, "redis.url")
    assert place_of_redis(url) == place


@pytest.mark.parametrize(
    "url",
    [
        "secret",
        "redis:",
        "redis://",
        "redis://:secret@",
        "redis://host:secret",
        "redis://host:0",
        "unix://",
        "http://h",
    ],
)
def test_these_cannot_and_are_not_quoted(url: str) -> None:
    with pytest.raises(BadInput, match=r"write redis://") as refused:
        check_redis_url(url, "redis.url")
    assert "secret" not in str(refused.value)
    with pytest.raises(BadSettings) as unusable:
        load(environment={"HOTLINE_REDIS__URL": url})
    assert "secret" not in str(unusable.value)
