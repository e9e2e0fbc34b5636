"""What the command line does; `rnnforecast.__main__` only reads its arguments."""
