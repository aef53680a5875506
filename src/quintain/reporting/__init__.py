"""What people look at: tables, the page of a run, and figures for papers."""
