"""Minimisation of an objective by gradients and minibatches; knows neither networks nor pandas."""
