"""Pure functions over arrays of scores. Each result says what was computed and which question it answers.

| module | what it answers |
|---|---|
| `intervals` | how sure is a mean or a rate: the same tasks again, new tasks like these |
| `bootstrap`, `jax_bootstrap` | the same for any statistic, by stratified resampling; the second on accelerators |
| `aggregates` | mean, median, IQM, optimality gap, performance profile, probability of improvement |
| `curves` | what k attempts are worth: pass@k, pass^k, best of k, versions of a task, efficiency of code |
| `targets`, `frontier` | time to a target, time horizon; score against cost, consistency, changes between versions |
| `compare`, `power` | is a better than b, and how many episodes would tell |
| `rank`, `kemeny`, `pairwise`, `plackett_luce`, `elo` | who is first, and how sure is that |
| `quality`, `items`, `tables` | what a suite and its tasks are worth; scores by tag, variant and date |
| `judges` | whether a judge agrees with people |

Import a module and call its functions; only the intervals are also here.
"""

from .intervals import Interval, jeffreys, new_tasks, rate, same_tasks, t_quantile, wilson

__all__ = ["Interval", "jeffreys", "new_tasks", "rate", "same_tasks", "t_quantile", "wilson"]
