"""STORM: matrix games played out on a grid, where what an agent carries is its mixed strategy."""
