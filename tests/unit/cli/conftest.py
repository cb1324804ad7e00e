from tests.unit.cli.saying import say

__all__ = ["say"]
