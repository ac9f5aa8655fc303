"""Judging with a trust store and a policy, as shared by all commands and programs."""
