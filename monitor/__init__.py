"""Order Monitor: watches the orders of billing systems and tells people when a status changes."""

__version__ = "0.1.0"
