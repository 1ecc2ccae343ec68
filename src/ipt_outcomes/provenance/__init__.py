"""Where results come from: code fingerprints, job logs, and what software was used."""
