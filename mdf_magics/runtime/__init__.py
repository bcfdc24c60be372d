"""What generated sources import on a cluster; it imports nothing of the rest."""
