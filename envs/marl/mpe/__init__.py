"""Multi-agent particle environments (Lowe et al. 2017), by the rules of mpe2: `physics` moves, one file a scenario."""
