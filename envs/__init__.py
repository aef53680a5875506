"""Worlds: observation, action, dynamics. They know no agent and no score."""

CATALOG = {
    "browser": "quintain.envs.browser.world:BrowserWorld",
    "repo": "quintain.envs.repo.world:RepoWorld",
}

GAMES = {
    "mpe": "quintain.envs.marl.mpe.games:GAMES",
    "overcooked": "quintain.envs.marl.overcooked.games:GAMES",
    "coin": "quintain.envs.marl.coin.games:GAMES",
    "riddle": "quintain.envs.marl.riddle.games:GAMES",
    "storm": "quintain.envs.marl.storm.games:GAMES",
    "hanabi": "quintain.envs.marl.hanabi.games:GAMES",
    "smax": "quintain.envs.marl.smax.games:GAMES",
}
"""Families of multi-agent worlds: name -> how to make its rules."""
