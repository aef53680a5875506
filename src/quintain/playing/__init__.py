"""An episode while it is played: its steps, its clock, whose failure is whose, loops that agents own, and branches."""
