import pytest

from quintain.core import Episode, Task
from quintain.errors import TaskError
from quintain.evaluators.answer import Answer


def score(reference, answer, **options):
    task = Task(id="t/a", env="e", reference=reference)
    return Answer(**options).score(task, Episode(id="e", task="t/a", agent="a", answer=answer))


@pytest.mark.parametrize(
    ("reference", "answer", "options", "value"),
    [
        ("Paris", "paris ", {}, 1.0),
        ("Paris", "London", {}, 0.0),
        ("Paris", "paris", {"match": "exact"}, 0.0),
        (42, "42", {"match": "exact"}, 1.0),
        (42, "It is 42.", {"match": "number"}, 1.0),
        (3.14159, "3.14", {"match": "number", "tolerance": 0.01}, 1.0),
        (200, "202", {"match": "number", "relative": 0.02}, 1.0),
        ("^a+$", "aaa", {"match": "regex"}, 1.0),
        ("cat", "a cat sat", {"match": "contains"}, 1.0),
        (["Paris", "City of Light"], "city of light", {}, 1.0),
        ({"all": [{"contains": "a"}, {"contains": "b"}]}, "ab", {}, 1.0),
        ("", "", {}, 1.0),
        ("", None, {}, 0.0),
    ],
)
def test_answers(reference, answer, options, value):
    result = score(reference, answer, **options)
    assert (result.value, result.passed) == (value, bool(value))


def test_reason_says_what_was_answered():
    assert score("a", None).reason == "no answer was submitted"
    assert score("a", "b").reason == "'b' is wrong"


def test_bad_options_and_references_are_the_tasks_fault():
    with pytest.raises(TaskError, match="'fuzzy'"):
        Answer(match="fuzzy")
    with pytest.raises(TaskError, match="t/a: reference"):
        score(None, "a")
