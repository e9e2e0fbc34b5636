"""Layers, decoders and the network they make: numpy only, parameters in one flat vector."""
