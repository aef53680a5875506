"""Multi-agent worlds in JAX: rules over arrays, one file a game; resets, time limits and other APIs are put on from outside."""
