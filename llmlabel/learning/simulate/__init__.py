"""What a promise would have cost: a gold set replayed as if it arrived in order."""
