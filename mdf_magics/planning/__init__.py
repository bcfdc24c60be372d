"""From definitions to resources and sources; every step a pure function.

    definitions -> tables -> graph -> parts -> resources and sources

`steps.plan_target` runs them in that order.
"""
