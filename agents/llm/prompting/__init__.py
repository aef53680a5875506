"""What a model is shown: the view of an observation, the history, and how both fit into its context."""
