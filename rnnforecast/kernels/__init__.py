"""Numba kernels: arrays in, arrays filled; they know numbers and nothing else.

Legend, used in every docstring below this package: **T** steps, **D** inputs, **H** units, **B** sequences, **G**
gates. Arrays are (T, D, B): time first, sequence last and fastest, C-contiguous, one floating dtype.
"""
