"""A shop whose truth is known: to check that models are right, and what decisions earn.

`world.World` lives a day at a time under the policies that it is given. Nothing here reads a store, and no
room that fits models may read what the simulator knows.
"""
