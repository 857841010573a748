from __future__ import annotations

import pytest

from directory.seed import DEMO, load
from ticketing.rules import check_call_types
from ticketing.schemas import masked_account


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        ("6222021234567890123", "***************0123"),
        ("123456789", "*****6789"),
        ("12345678", "********"),
        ("123", "***"),
        ("", ""),
    ],
)
def test_an_account_shows_its_last_four_at_most_and_never_half_of_itself(account: str, shown: str) -> None:
    assert masked_account(account) == shown


@pytest.mark.rule("CALL-24")
def test_the_seeds_call_types_ask_for_fields_that_summaries_have_and_cover_the_work_types() -> None:
    types = load(DEMO).call_types
    check_call_types(types.values())
    work = {"enquiry", "assisted_transaction", "difficult_case", "outbound_marketing", "customer_care"}
    assert work <= set(types)
