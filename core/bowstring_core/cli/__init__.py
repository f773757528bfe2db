"""What people do with a runtime from a shell."""
