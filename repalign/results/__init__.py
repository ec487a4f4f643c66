"""Results on disk: tables, settings, signatures."""
