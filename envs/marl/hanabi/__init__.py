"""Hanabi by the rules and in the encoding of the Hanabi Learning Environment (Bard et al. 2020)."""
