# Made by scripts/colours.py from cfrealtime/aio. Changes made here are lost.
"""The blocking clients and their handles."""
