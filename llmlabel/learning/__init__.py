"""What is learned from verified labels."""
