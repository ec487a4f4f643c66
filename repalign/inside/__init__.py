"""Inside the model: which language it computes in, which neurons carry a language, and what taking them out costs."""
