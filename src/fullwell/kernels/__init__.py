"""Pixel loops: arrays in, arrays out; the plain form that defines each stands beside the compiled one."""
