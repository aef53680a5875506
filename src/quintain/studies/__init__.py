"""Studies: from the columns of stored runs to what can be said of the agents and of the tasks; arrays in, values out."""
