"""The clinical questions, one module each; every analysis returns rows of the estimates table."""
