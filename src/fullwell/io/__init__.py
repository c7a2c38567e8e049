"""FITS in and out: reading, looking, writing, and what headers mean."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
