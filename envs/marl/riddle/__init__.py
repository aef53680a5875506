"""Riddles that agents can only solve by leaving signs to each other."""
