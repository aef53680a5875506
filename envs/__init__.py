"""Worlds: observation, action, dynamics. They know no agent and no score."""

CATALOG = {
    "browser": "quintain.envs.browser.world:BrowserWorld",
    "repo": "quintain.envs.repo.world:RepoWorld",
}

GAMES = {
    "mpe": "quintain.envs.marl.mpe.games:GAMES",
}
"""Families of multi-agent worlds: name -> how to make its rules."""
