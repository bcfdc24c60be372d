"""What doesn't fit together here, each with the fix. Nothing is changed."""
