"""Pooling several trials: published effects, participant data of our own trials, or both."""
