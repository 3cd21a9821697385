"""Whole databases: copied, backed up and checked, on SQLite and PostgreSQL."""
