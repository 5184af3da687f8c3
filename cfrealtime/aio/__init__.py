"""The async clients and their handles. scripts/colours.py makes `cfrealtime.blocking` from this package."""
