"""What was deployed where: the journal of each target, its lock, and its stores."""
