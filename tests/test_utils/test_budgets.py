import pytest

from mmtaskssl.utils.budgets import Budget, count_bytes, count_images
from mmtaskssl.utils.errors import UserError


@pytest.mark.parametrize(
    ("text", "low", "high", "kind"),
    [
        ("3G-4G", 3e9, 4e9, "macs"),
        ("3-4G", 3e9, 4e9, "macs"),
        ("1.5e9-2e9:macs", 1.5e9, 2e9, "macs"),
        ("5M-6M:params", 5e6, 6e6, "params"),
        ("0-500K:params", 0, 5e5, "params"),
        ("2ms-4ms", 2e-3, 4e-3, "latency"),
        ("500us-0.002s:latency", 5e-4, 2e-3, "latency"),
        ("2-4ms", 2e-3, 4e-3, "latency"),
    ],
)
def test_reads(text, low, high, kind):
    budget = Budget.parse(text)
    assert (budget.low, budget.high) == pytest.approx((low, high))
    assert budget.kind == kind


def test_the_high_end_is_outside():
    budget = Budget.parse("3G-4G")
    assert 3e9 in budget and 4e9 not in budget and 4e9 - 1 in budget
    assert str(budget) == "3-4 GMACs"
    assert str(Budget.parse("5M-6M:params")) == "5-6 M parameters"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("small", "cannot be read"),
        ("3G", "cannot be read"),
        ("4G-3G", "low end"),
        ("3G-3G", "low end"),
        ("3G-4G:size", "'size'"),
        ("3G-4G:latency", "a time"),
        ("2ms-4ms:macs", "K, M, G"),
        ("2ms-4G", "a time"),
    ],
)
def test_bad_budgets(text, words):
    with pytest.raises(UserError, match=words):
        Budget.parse(text)


def test_one_grammar_says_what_was_meant():
    with pytest.raises(UserError, match="it is the cost of a network"):
        count_images("3G-4G", 100)
    for images in ("5000", "10%"):
        with pytest.raises(UserError, match="it counts images"):
            Budget.parse(images)
    assert (count_images(7, 100), count_images("10%", 100)) == (7, 10)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("2GiB", 2**31),
        ("500MB", 500 * 10**6),
        ("1.5 GiB", 3 * 2**29),
        ("64kB", 64_000),
        ("64KiB", 65_536),
        ("1T", 10**12),
        ("2_000_000", 2_000_000),
        ("100B", 100),
        (4096, 4096),
    ],
)
def test_reads_bytes(text, count):
    assert count_bytes("memory", text) == count


@pytest.mark.parametrize(
    "text", ["", "GiB", "2 gigs", "-1GB", "2GiBs", "0", "0.1", 0, -3, True, None, 1e9]
)
def test_refuses_what_are_no_bytes(text):
    with pytest.raises(UserError, match="`memory`"):
        count_bytes("memory", text)
