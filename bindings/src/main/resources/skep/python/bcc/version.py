"""The version whose interface this package has."""
__version__ = "0.26.0"
