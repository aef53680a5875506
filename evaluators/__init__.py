"""Evaluators: pure functions of a task and a stored episode."""

CATALOG = {
    "page_reward": "quintain.evaluators.page:PageReward",
    "page_state": "quintain.evaluators.page:PageState",
    "answer": "quintain.evaluators.answer:Answer",
}
