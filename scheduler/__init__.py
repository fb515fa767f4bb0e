"""What should happen next: moves, placement, order of jobs, estimates. Pure functions of state."""
