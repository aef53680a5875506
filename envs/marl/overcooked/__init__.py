"""Overcooked (Carroll et al. 2019), by the rules of overcooked 0.2.1: `kitchens` reads layouts, `cooking` has the rules."""
