"""Tasks: what to achieve, as data with stable ids; they name environments and evaluators by id."""

CATALOG = {
    "miniwob": "quintain.tasks.browser.miniwob:suite",
    "miniwob-125": "quintain.tasks.browser.miniwob:suite_125",
    "miniwob-timed": "quintain.tasks.browser.miniwob:suite_timed",
    "miniwob-held-out": "quintain.tasks.browser.miniwob:suite_held_out",
}
