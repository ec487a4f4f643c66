"""From files and the phrasebook to packed rows of tokens."""
