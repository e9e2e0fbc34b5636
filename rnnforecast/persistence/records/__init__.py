"""The records that a model file may hold: one form for each class. What is not listed here is never built."""
