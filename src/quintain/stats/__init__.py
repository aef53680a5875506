"""Pure functions over arrays of scores. Each result says what was computed and which question it answers."""

from .intervals import Interval, new_tasks, rate, same_tasks, t_quantile, wilson

__all__ = ["Interval", "new_tasks", "rate", "same_tasks", "t_quantile", "wilson"]
