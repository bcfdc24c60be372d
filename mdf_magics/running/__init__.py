"""Running: previews without a deploy, and local runs of what is deployed."""
