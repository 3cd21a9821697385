"""Every database of a service: brought up to date, checked, copied, backed up and restored."""
