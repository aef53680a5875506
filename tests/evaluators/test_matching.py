import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintain.errors import TaskError
from quintain.evaluators.matching import matches, number


@pytest.mark.parametrize(
    ("value", "expected", "ok"),
    [
        ("a", "a", True),
        ("a", "A", False),
        (1, True, False),
        ([1, 2], [1, 2], True),
        (None, None, True),
        ({"a": 1}, {"exact": {"a": 1}}, True),
        (" Paris\n", {"casefold": "paris"}, True),
        ("ﬁne", {"casefold": "FINE"}, True),
        ("in Paris", {"contains": "Paris"}, True),
        (["x", "Paris"], {"contains": "Paris"}, True),
        (["in Paris"], {"contains": "Paris"}, False),
        ("order 17", {"regex": r"\d{2}$"}, True),
        (None, {"regex": "."}, False),
        ("about 1,234.5 m", {"number": 1234.5}, True),
        ("3.14", {"number": 3.1416, "tolerance": 0.01}, True),
        ("3.0", {"number": 3.1416, "tolerance": 0.01}, False),
        (101, {"number": 100, "relative": 0.01}, True),
        ("none", {"number": 0}, False),
        ("b", {"any": ["a", {"regex": "^b$"}]}, True),
        ("ab", {"all": [{"contains": "a"}, {"not": {"contains": "c"}}]}, True),
        ("ac", {"all": [{"contains": "a"}, {"not": {"contains": "c"}}]}, False),
    ],
)
def test_expectations(value, expected, ok):
    assert matches(value, expected).ok is ok


@pytest.mark.parametrize(
    "expected",
    [{}, {"exat": 1}, {"regex": "("}, {"number": "x"}, {"any": "a"}, {"exact": 1, "regex": "a"}, {"regex": "a", "flags": "i"}],
)
def test_malformed_expectations_are_the_tasks_fault(expected):
    with pytest.raises(TaskError, match="reference"):
        matches("value", expected)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_a_written_number_is_read_back(value):
    assert number(f"total: {value!r} units") == value
    assert number(f"{value:,.2f}") == float(f"{value:.2f}")


def test_numbers_side_by_side_are_not_one():
    assert number("3, 4") == 3.0
    assert number("12 5") == 12.0
    assert number(True) is None
