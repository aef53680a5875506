"""Multi-agent worlds as others know them: built by id, with resets and time limits, as PettingZoo's and Gymnasium's environments.

`episodes` puts resets and limits on a game's rules, `making` builds by id, and the others are one API each.
"""
