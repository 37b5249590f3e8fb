"""A VIP and a Trading Grid to run against, over real HTTP, with a living partner network.

Nothing here imports the product, and the product imports nothing from here: it is reached like any tenant.
"""
