"""Planning: what reading and scoring would take, from configurations alone: tokens, FLOPs, hours, memory, bytes, flags."""
