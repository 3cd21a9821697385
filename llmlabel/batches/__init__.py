"""Files of many lines: received, read in slices, labeled, and their results given back."""
