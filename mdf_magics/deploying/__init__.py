"""From what the definitions want to what a workspace has: plan, deploy, workspaces."""
