// What the page says of the episode. A page that was left or reloaded says nothing any more, which ends the episode without reward.
() => {
  if (typeof core === 'undefined' || !core.quintain) return { done: true, raw: 0, reason: 'the task page was left' };
  return { done: WOB_DONE_GLOBAL, raw: WOB_RAW_REWARD_GLOBAL, reason: WOB_REWARD_REASON ?? null, ...core.quintain };
}
