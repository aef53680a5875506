"""Agents that were written for other libraries: each module shows one what it expects to see, and reads what it answers."""
