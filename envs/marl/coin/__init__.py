"""The coin game: a social dilemma on a small torus."""
