"""The values that flow through the system: frozen, without I/O."""
