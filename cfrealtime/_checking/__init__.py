"""`python -m cfrealtime check`: whether this machine, these credentials and this network will do."""
