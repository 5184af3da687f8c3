"""What the service decides, as functions of values: time, ids and packets come in as arguments."""
