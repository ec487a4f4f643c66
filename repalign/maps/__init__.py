"""Two- and three-dimensional maps of states."""
