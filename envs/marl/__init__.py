"""Multi-agent worlds in JAX: rules over arrays, one file a game; `episodes` gives them resets and time limits."""
