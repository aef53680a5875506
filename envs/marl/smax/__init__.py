"""SMAX: battles of two teams of units, by the rules of JaxMARL 0.2.0."""
