"""Answers on record: written while a model answers, played again without it."""
