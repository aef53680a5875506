// Starts an episode of a MiniWoB++ page. Options: `mode` (data mode of the page: default, train or test), `keep_limit` (whether the
// page's own time limit holds), `fields` (regular expressions with named groups: the parameters of the goal; the first that matches).
// The page's globals that this uses are those of miniwob 1.1.0, html/core/core.js.
async (seed, options) => {
  const limit = core.EPISODE_MAX_TIME, episode = { limit_ms: limit, elapsed_ms: null, proportional: false };
  const page = globalThis;
  core.quintain = episode;
  if (!options.keep_limit) core.EPISODE_MAX_TIME = 1e9;
  // The human display (last reward, time left) and the START cover are no part of the task; without them nothing may draw into them.
  document.body.removeEventListener('click', core.canvasDrawClick);
  for (const id of ['reward-display', 'click-canvas', 'sync-task-cover']) document.getElementById(id)?.remove();
  for (const name of ['startEpisode', 'createDisplay', 'updateDisplay', 'countdownTimer', 'clearTimer', 'canvasClear']) core[name] = () => {};
  for (const id of ['query-pretty', 'reward-reason']) document.getElementById(id)?.style.setProperty('display', 'none');
  core.endEpisode = (reward, proportional = false, reason = null) => {
    if (core.EP_TIMER === null) return; // only the first end of an episode counts
    clearTimeout(core.EP_TIMER);
    core.EP_TIMER = null;
    episode.elapsed_ms = Date.now() - core.ept0;
    episode.proportional = !!proportional;
    page.WOB_RAW_REWARD_GLOBAL = reward;
    page.WOB_REWARD_GLOBAL = proportional ? reward * Math.max(0, 1 - episode.elapsed_ms / limit) : reward;
    page.WOB_REWARD_REASON = reason;
    page.WOB_DONE_GLOBAL = true;
    page.WOB_EPISODE_ID += 1;
  };
  core.setDataMode(options.mode);
  Math.seedrandom(seed);
  core.startEpisodeReal();
  for (let waited = 0; !page.WOB_TASK_READY && waited < 20000; waited += 50) await new Promise((resolve) => setTimeout(resolve, 50));
  if (!page.WOB_TASK_READY) throw new Error('the task page did not become ready');
  return goalOf(core.getUtterance());

  function goalOf(said) {
    if (typeof said !== 'string') return { goal: said.utterance, fields: texts(said.fields) };
    if (said.startsWith('{')) {
      const wanted = texts(JSON.parse(said));
      return { goal: 'Book a flight. ' + Object.entries(wanted).map(([name, value]) => `${name}: ${value}`).join('; ') + '.', fields: wanted };
    }
    const found = options.fields.map((source) => new RegExp(source).exec(said)).find(Boolean);
    return { goal: said, fields: texts(found?.groups) };
  }
  function texts(values) {
    return Object.fromEntries(Object.entries(values ?? {}).filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]));
  }
}
