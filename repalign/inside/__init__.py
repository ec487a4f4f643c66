"""Inside the model: logit lens by language, language neurons, and interventions with controls."""
